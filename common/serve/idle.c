#include "serve/idle.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "observe/counters.h"
#include "serve/memory_release.h"

/* After accept() failed for want of descriptors or memory. */
#define ACCEPT_PAUSE_MS 100
/* After the listener could not be watched, for want of the kernel's memory. */
#define LISTEN_PAUSE_MS 100
/* So many idle workers may hold a connection that was opened ahead: what a steady client of a
 * database 50 ms away keeps busy, seven round trips of opening to one of use. */
#define AHEAD_IDLE_MAX 8
/* The process's own counters are told so often at most, and so late at most. */
#define TELL_US INT64_C(1000000)
/* A worker trims its heap this long after its first request since the last time. */
#define TRIM_US INT64_C(500000)
/* All that an epoll may watch: an exclusive wake-up that is not fetched is lost to all. */
#define READY_MAX (3 + APP_NEEDS_MAX)

static bool
watch(int events, int fd, uint32_t flags)
{
	struct epoll_event event = { .events = flags, .data.fd = fd };

	return epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void
unwatch(int events, int fd)
{
	(void)epoll_ctl(events, EPOLL_CTL_DEL, fd, NULL);
}

bool
idle_open(struct idle *idle)
{
	sigset_t ends;

	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	idle->listening = false;
	idle->events = epoll_create1(EPOLL_CLOEXEC);
	idle->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	/* Edge: each write wakes every worker once, and nobody reads. */
	return idle->events >= 0 && idle->signals >= 0
	       && watch(idle->events, idle->signals, EPOLLIN)
	       && watch(idle->events, idle->ready_event, EPOLLIN | EPOLLET);
}

void
idle_close(struct idle *idle)
{
	if (idle->events >= 0)
		(void)close(idle->events);
	if (idle->signals >= 0)
		(void)close(idle->signals);
}

/* As epoll_wait() has it: a time below 0 is never. */
static int
sooner(int a_ms, int b_ms)
{
	if (a_ms < 0 || b_ms < 0)
		return a_ms < 0 ? b_ms : a_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

/* --- counters --- */

/* What could not be told now, because it was a moment ago, wakes the worker up for it once. */
static void
tell_totals(struct idle *idle, int64_t now_us)
{
	bool later = now_us - idle->told_us < TELL_US;

	idle->untold = later && counters_are_pending(idle->app);
	if (later)
		return;
	counters_flush(idle->app);
	idle->told_us = now_us;
}

/* --- memory --- */

/* A busy worker trims between two requests, an idle one while it waits. */
static void
trim_in_time(struct idle *idle, int64_t now_us)
{
	if (idle->trim_us == 0 || now_us < idle->trim_us)
		return;
	idle->trim_us = 0;
	release_free_heap();
}

/* --- ahead --- */

static bool
is_ahead(const struct idle *idle)
{
	return idle->app->settings->database_connection == CONNECTION_AHEAD;
}

static void
wake_others(const struct idle *idle)
{
	const uint64_t one = 1;

	(void)!write(idle->ready_event, &one, sizeof(one));
}

void
idle_end(struct idle *idle)
{
	if (atomic_exchange(&idle->slot->ahead, AHEAD_NONE) == AHEAD_READY
	    && scoreboard_count_ahead(AHEAD_READY, NULL) == 0)
		wake_others(idle);
}

/* Several that looked at the same moment may have begun; those behind the first few give up. */
static bool
is_too_many(const struct idle *idle)
{
	return scoreboard_count_ahead(AHEAD_OPENING, idle->slot) >= AHEAD_IDLE_MAX;
}

/* The others shall leave the listener to the first that is ready, and come back when the last one
 * is not. */
static void
show_ahead(struct idle *idle)
{
	int now = (int)app_ahead(idle->app), before;

	if (now != AHEAD_NONE && is_too_many(idle)) {
		app_drop_ahead(idle->app);
		now = AHEAD_NONE;
	}
	before = atomic_exchange(&idle->slot->ahead, now);
	if (before != now
	    && (now == AHEAD_READY
	        || (before == AHEAD_READY && scoreboard_count_ahead(AHEAD_READY, NULL) == 0)))
		wake_others(idle);
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
	tell_totals(idle, now_us);
	trim_in_time(idle, now_us);
	if (idle->trim_us == 0)
		idle->trim_us = now_us + TRIM_US;
	show_ahead(idle);
}

/* --- waiting --- */

/* Exclusive: one connection wakes one idle worker, not all of them. False: the listener should be
 * watched and is not. */
static bool
listen_or_not(struct idle *idle)
{
	bool wanted = !is_ahead(idle) || app_ahead(idle->app) == AHEAD_READY
	              || scoreboard_count_ahead(AHEAD_READY, NULL) == 0;

	if (wanted && !idle->listening)
		idle->listening = watch(idle->events, idle->listener, EPOLLIN | EPOLLEXCLUSIVE);
	else if (!wanted && idle->listening)
		unwatch(idle->events, idle->listener);
	idle->listening = wanted && idle->listening;
	return idle->listening == wanted;
}

/* Whether SIGTERM or SIGINT came since the last wait began. Asked only when all were told to end:
 * it is a system call more. */
static bool
is_told_to_end(const struct idle *idle)
{
	struct pollfd signals = { .fd = idle->signals, .events = POLLIN };

	return atomic_load(&board->draining) != 0 && poll(&signals, 1, 0) > 0;
}

/* -1 when there is none: another worker was quicker, or it cannot be had (*well is false then). */
static int
accept_one(struct idle *idle, bool *well)
{
	int fd;

	/* The program that was reloaded answers what comes from now on. */
	idle->ending = idle->ending || is_told_to_end(idle);
	if (idle->ending) {
		wake_others(idle);
		return -1;
	}
	fd = accept4(idle->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		*well = false;
		log_printf(LOG_ERROR, "could not accept", "%s", strerror(errno));
		clock_sleep_ms(ACCEPT_PAUSE_MS, deadline_in_ms(ACCEPT_PAUSE_MS));
	}
	return fd;
}

/* Databases are watched for the time of one wait only: libpq changes and closes their descriptors
 * as it likes. */
static int
watch_databases(const struct idle *idle, const struct dial_need *needs, size_t count,
                int timeout_ms)
{
	for (size_t i = 0; i < count; i++) {
		/* POLLIN and POLLOUT are EPOLLIN and EPOLLOUT. */
		if (needs[i].fd >= 0)
			(void)watch(idle->events, needs[i].fd, (uint32_t)needs[i].events);
		timeout_ms = sooner(timeout_ms, needs[i].timeout_ms);
	}
	return timeout_ms;
}

/* Also when all are woken: the kernel may have told only one that hangs. */
static bool
is_about_connections(const struct idle *idle, int fd)
{
	return fd == idle->listener || (fd == idle->ready_event && idle->listening);
}

/* One wait; returns a connection or -1. */
static int
wait_once(struct idle *idle, int timeout_ms)
{
	struct dial_need needs[APP_NEEDS_MAX];
	size_t count = app_needs(idle->app, needs);
	struct epoll_event ready[READY_MAX];
	int fd = -1, got;
	bool well = true;

	if (idle->untold)
		timeout_ms = sooner(timeout_ms,
		                    deadline_left_ms((struct deadline){ idle->told_us + TELL_US }));
	if (idle->trim_us > 0)
		timeout_ms = sooner(timeout_ms,
		                    deadline_left_ms((struct deadline){ idle->trim_us }));
	got = epoll_wait(idle->events, ready, READY_MAX,
	                 watch_databases(idle, needs, count, timeout_ms));
	for (size_t i = 0; i < count; i++)
		if (needs[i].fd >= 0)
			unwatch(idle->events, needs[i].fd);
	for (int i = 0; i < got; i++)
		idle->ending = idle->ending || ready[i].data.fd == idle->signals;
	for (int i = 0; i < got && fd < 0; i++)
		if (is_about_connections(idle, ready[i].data.fd))
			fd = accept_one(idle, &well);
	if (well)
		atomic_store(&idle->slot->last_wakeup_us, clock_now_us());
	if (fd < 0) {
		app_step(idle->app);
		tell_totals(idle, clock_now_us());
		trim_in_time(idle, clock_now_us());
	}
	return fd;
}

int
idle_wait(struct idle *idle, int64_t timeout_s)
{
	struct deadline leave = deadline_in_ms(timeout_s * 1000);

	while (!idle->ending && (timeout_s == 0 || !deadline_passed(leave))) {
		int left_ms = timeout_s > 0 ? deadline_left_ms(leave) : -1, fd;

		if (!listen_or_not(idle))
			left_ms = sooner(left_ms, LISTEN_PAUSE_MS);
		fd = wait_once(idle, left_ms);
		if (fd >= 0)
			return fd;
		show_ahead(idle);
	}
	return -1;
}
