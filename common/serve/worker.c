#include "serve/worker.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "serve/backtrace.h"
#include "serve/fcgi.h"

/* After accept() failed for want of descriptors or memory. */
#define ACCEPT_PAUSE_MS 100

struct worker {
	const struct worker_options *options;
	int events;  /* epoll: listener and signals */
	int signals; /* signalfd */
	bool ending; /* a signal came */
};

static struct slot *own_slot; /* for what app/ tells us in the middle of a request */

static bool
watch(int events, int fd, uint32_t flags)
{
	struct epoll_event event = { .events = EPOLLIN | flags, .data.fd = fd };

	return epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool
open_events(struct worker *worker)
{
	sigset_t ends;

	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	worker->events = epoll_create1(EPOLL_CLOEXEC);
	worker->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	/* Exclusive: one connection wakes one idle worker, not all of them. */
	return worker->events >= 0 && worker->signals >= 0 && watch(worker->events, worker->signals, 0)
	       && watch(worker->events, worker->options->listener, EPOLLEXCLUSIVE);
}

static void
close_events(struct worker *worker)
{
	if (worker->events >= 0)
		(void)close(worker->events);
	if (worker->signals >= 0)
		(void)close(worker->signals);
}

/* -1 when there is none: another worker was quicker. */
static int
accept_one(const struct worker *worker)
{
	int fd = accept4(worker->options->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		log_printf(LOG_ERROR, "could not accept", "%s", strerror(errno));
		clock_sleep_ms(ACCEPT_PAUSE_MS, deadline_in_ms(ACCEPT_PAUSE_MS));
	}
	return fd;
}

/* Waits for a connection. Returns its socket, or -1 when the worker shall end. A connection that woke this worker woke
 * no other, so it is taken also when a signal came with it. A worker that leaves after a time-out is off the listener's
 * queue by then. */
static int
next_connection(struct worker *worker)
{
	int64_t idle_s = worker->options->idle_timeout_s;
	struct deadline leave = deadline_in_ms(idle_s * 1000);

	while (!worker->ending) {
		struct epoll_event ready[2];
		int count = epoll_wait(worker->events, ready, 2, idle_s > 0 ? deadline_left_ms(leave) : -1);
		int fd = -1;

		if (count == 0)
			return -1;
		for (int i = 0; i < count; i++)
			if (ready[i].data.fd == worker->signals)
				worker->ending = true;
			else
				fd = accept_one(worker);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

/* The master need not look at the listener while somebody is idle; the last one to become busy says so. */
static void
tell_master(const struct worker *worker)
{
	const uint64_t one = 1;

	if (scoreboard_count(SLOT_IDLE) == 0 || atomic_load(&own_slot->leaving))
		(void)!write(worker->options->busy_event, &one, sizeof(one));
}

static void
describe(const char *method, const char *route, const char *request_id)
{
	slot_describe(own_slot, method, route, request_id);
}

static void
answer(const struct worker *worker, int fd, bool last)
{
	struct deadline deadline = deadline_in_ms(worker->options->app->settings->request_timeout_s * 1000);
	int status;

	atomic_store(&own_slot->deadline_us, deadline.at_us);
	slot_describe(own_slot, "-", "-", "-");
	atomic_store(&own_slot->leaving, last);
	slot_set(own_slot, SLOT_BUSY);
	tell_master(worker);
	status = fcgi_answer(worker->options->app, fd, deadline);
	if (status > 0)
		atomic_fetch_add(&board->requests[status / 100], 1);
	atomic_fetch_add(&own_slot->requests, 1);
	if (!last)
		slot_set(own_slot, SLOT_IDLE);
}

bool
worker_run(const struct worker_options *options)
{
	struct worker worker = { .options = options, .events = -1, .signals = -1 };
	int64_t left = options->max_requests > 0 ? options->max_requests : INT64_MAX;
	bool begun;
	int fd;

	own_slot = options->slot;
	options->app->describe = describe;
	if (options->app->settings->debug)
		backtrace_on_abort(own_slot);
	begun = open_events(&worker);
	if (!begun) {
		log_printf(LOG_ERROR, "could not start a worker", "%s", strerror(errno));
	} else {
		slot_set(own_slot, SLOT_IDLE);
		while (left > 0 && (fd = next_connection(&worker)) >= 0)
			answer(&worker, fd, --left == 0);
	}
	close_events(&worker);
	return begun;
}
