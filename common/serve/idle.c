#include "serve/idle.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "observe/counters.h"
#include "serve/events.h"
#include "serve/memory_release.h"

/* After accept4() failed for want of descriptors or memory. */
#define ACCEPT_PAUSE_MS 100
/* At most this many idle workers hold a connection that was opened ahead: what a steady client of a
 * database 50 ms away keeps busy, seven round trips to open one and one to use it. */
#define AHEAD_IDLE_MAX 8
/* The process's own counters are flushed this often at most, and this late at most. */
#define FLUSH_US INT64_C(1000000)
/* A worker releases its heap this long after its first request since the last time. */
#define HEAP_RELEASE_US INT64_C(500000)
/* All that the epoll may watch: an exclusive wake-up that is not fetched is lost to all workers. */
#define READY_MAX (3 + APP_NEEDS_MAX)

bool
idle_open(struct idle *idle)
{
	sigset_t ends = events_end_signals();

	idle->listening = false;
	idle->events = epoll_create1(EPOLL_CLOEXEC);
	idle->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	/* Edge-triggered: each write wakes every worker once, and nobody reads. */
	return idle->events >= 0 && idle->signals >= 0
	       && events_watch(idle->events, idle->signals, EPOLLIN)
	       && events_watch(idle->events, idle->ready_event, EPOLLIN | EPOLLET);
}

void
idle_close(struct idle *idle)
{
	if (idle->events >= 0)
		(void)close(idle->events);
	if (idle->signals >= 0)
		(void)close(idle->signals);
}

/* Returns the shorter of two timeouts of epoll_wait(): below 0 is never. */
static int
shorter_ms(int a_ms, int b_ms)
{
	if (a_ms < 0 || b_ms < 0)
		return a_ms < 0 ? b_ms : a_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

/* --- counters --- */

/* If the last flush was a moment ago, the worker wakes up once for the next one. */
static void
flush_counters(struct idle *idle, int64_t now_us)
{
	bool later = now_us - idle->flushed_us < FLUSH_US;

	idle->pending = later && counters_are_pending(idle->app);
	if (later)
		return;
	counters_flush(idle->app);
	idle->flushed_us = now_us;
}

/* --- memory --- */

/* A busy worker does it between two requests, an idle one while it waits. */
static void
release_heap_if_due(struct idle *idle, int64_t now_us)
{
	if (idle->heap_release_us == 0 || now_us < idle->heap_release_us)
		return;
	idle->heap_release_us = 0;
	release_free_heap();
}

/* --- ahead --- */

static bool
is_ahead(const struct idle *idle)
{
	return idle->app->settings->database_connection == CONNECTION_AHEAD;
}

void
idle_end(struct idle *idle)
{
	if (atomic_exchange(&idle->slot->ahead, AHEAD_NONE) == AHEAD_READY
	    && scoreboard_count_ahead(AHEAD_READY, NULL) == 0)
		events_wake(idle->ready_event);
}

/* Workers that looked at the same moment may all have begun; those behind the first few give up. */
static bool
is_beyond_ahead_limit(const struct idle *idle)
{
	return scoreboard_count_ahead(AHEAD_OPENING, idle->slot) >= AHEAD_IDLE_MAX;
}

/* The others leave the listener to the first that is ready, and come back when the last one no
 * longer is. */
static void
publish_ahead(struct idle *idle)
{
	int now = (int)app_ahead(idle->app), before;

	if (now != AHEAD_NONE && is_beyond_ahead_limit(idle)) {
		app_drop_ahead(idle->app);
		now = AHEAD_NONE;
	}
	before = atomic_exchange(&idle->slot->ahead, now);
	if (before != now
	    && (now == AHEAD_READY
	        || (before == AHEAD_READY && scoreboard_count_ahead(AHEAD_READY, NULL) == 0)))
		events_wake(idle->ready_event);
}

void
idle_begin(struct idle *idle)
{
	int64_t now_us;

	if (is_ahead(idle) && scoreboard_count_ahead(AHEAD_OPENING, NULL) < AHEAD_IDLE_MAX)
		app_open_ahead(idle->app);
	/* First, since only idle workers count. */
	slot_set(idle->slot, SLOT_IDLE);
	now_us = atomic_load(&idle->slot->since_us);
	flush_counters(idle, now_us);
	release_heap_if_due(idle, now_us);
	if (idle->heap_release_us == 0)
		idle->heap_release_us = now_us + HEAP_RELEASE_US;
	publish_ahead(idle);
}

/* --- waiting --- */

/* Watches the listener if this worker shall take connections, exclusively: one connection wakes one
 * idle worker, not all of them. Returns false if the listener should be watched and is not. */
static bool
update_listening(struct idle *idle)
{
	bool wanted = !is_ahead(idle) || app_ahead(idle->app) == AHEAD_READY
	              || scoreboard_count_ahead(AHEAD_READY, NULL) == 0;

	if (wanted && !idle->listening)
		idle->listening = events_watch(idle->events, idle->listener,
		                               EPOLLIN | EPOLLEXCLUSIVE);
	else if (!wanted && idle->listening)
		events_unwatch(idle->events, idle->listener);
	idle->listening = wanted && idle->listening;
	return idle->listening == wanted;
}

/* A signal may have come since the wait began. That is asked only after all workers were told to
 * end: it is one more system call. */
static bool
is_told_to_end(void)
{
	return atomic_load(&board->draining) != 0 && events_end_is_pending();
}

/* Returns -1 if another worker was quicker, or if it could not accept (*ok is false then). */
static int
accept_connection(struct idle *idle, bool *ok)
{
	int fd;

	/* After a reload the new program answers what comes from now on. */
	idle->ending = idle->ending || is_told_to_end();
	if (idle->ending) {
		events_wake(idle->ready_event);
		return -1;
	}
	fd = accept4(idle->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		*ok = false;
		log_printf(LOG_ERROR, "could not accept", "%s", strerror(errno));
		clock_sleep_ms(ACCEPT_PAUSE_MS, deadline_in_ms(ACCEPT_PAUSE_MS));
	}
	return fd;
}

/* Databases are watched during one wait only: libpq changes and closes their descriptors as it
 * likes. Returns the timeout of the wait. */
static int
watch_databases(const struct idle *idle, const struct dial_need *needs, size_t count,
                int timeout_ms)
{
	for (size_t i = 0; i < count; i++) {
		/* POLLIN and POLLOUT are EPOLLIN and EPOLLOUT. */
		if (needs[i].fd >= 0)
			(void)events_watch(idle->events, needs[i].fd, (uint32_t)needs[i].events);
		timeout_ms = shorter_ms(timeout_ms, needs[i].timeout_ms);
	}
	return timeout_ms;
}

/* A connection may wait too when all workers were woken: the kernel may have told only one that
 * hangs. */
static bool
may_be_connection(const struct idle *idle, int fd)
{
	return fd == idle->listener || (fd == idle->ready_event && idle->listening);
}

/* Returns when the worker must wake up for itself. */
static int
own_timeout_ms(const struct idle *idle, int timeout_ms)
{
	struct deadline next = DEADLINE_NEVER;

	if (idle->pending)
		next.at_us = idle->flushed_us + FLUSH_US;
	if (idle->heap_release_us > 0 && idle->heap_release_us < next.at_us)
		next.at_us = idle->heap_release_us;
	return next.at_us == INT64_MAX ? timeout_ms
	                               : shorter_ms(timeout_ms, deadline_left_ms(next));
}

/* Waits once. Returns a connection or -1. */
static int
wait_once(struct idle *idle, int timeout_ms)
{
	struct dial_need needs[APP_NEEDS_MAX];
	size_t count = app_needs(idle->app, needs);
	struct epoll_event ready[READY_MAX];
	int fd = -1, got;
	bool ok = true;

	timeout_ms = watch_databases(idle, needs, count, own_timeout_ms(idle, timeout_ms));
	got = epoll_wait(idle->events, ready, READY_MAX, timeout_ms);
	for (size_t i = 0; i < count; i++)
		if (needs[i].fd >= 0)
			events_unwatch(idle->events, needs[i].fd);
	for (int i = 0; i < got; i++)
		idle->ending = idle->ending || ready[i].data.fd == idle->signals;
	for (int i = 0; i < got && fd < 0; i++)
		if (may_be_connection(idle, ready[i].data.fd))
			fd = accept_connection(idle, &ok);
	if (ok)
		atomic_store(&idle->slot->last_wakeup_us, clock_now_us());
	if (fd < 0) {
		app_step(idle->app);
		flush_counters(idle, clock_now_us());
		release_heap_if_due(idle, clock_now_us());
	}
	return fd;
}

int
idle_wait(struct idle *idle, int64_t timeout_s)
{
	struct deadline leave = deadline_in_ms(timeout_s * 1000);

	while (!idle->ending && (timeout_s == 0 || !deadline_passed(leave))) {
		int left_ms = timeout_s > 0 ? deadline_left_ms(leave) : -1, fd;

		if (!update_listening(idle))
			left_ms = shorter_ms(left_ms, EVENTS_RETRY_MS);
		fd = wait_once(idle, left_ms);
		if (fd >= 0)
			return fd;
		publish_ahead(idle);
	}
	return -1;
}
