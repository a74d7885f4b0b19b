/* idle.h - a worker that waits: for a connection, for a signal, and meanwhile for its own next
 * database connection
 *
 * In mode ahead a request should meet the worker whose connection is ready, not one that has yet to
 * open it. So while any idle worker is ready, only those that are take connections; the one that
 * becomes ready, and the last one that goes to work, tell the others by an eventfd that all of them
 * watch.
 */
#ifndef NULLPOOL_SERVE_IDLE_H
#define NULLPOOL_SERVE_IDLE_H

#include "app/app.h"
#include "observe/scoreboard.h"

struct idle {
	struct app *app;
	struct slot *slot;
	int listener;
	int ready_event;
	int events;  /* epoll: listener, signals, ready_event, and databases while it waits for them
	              */
	int signals; /* signalfd */
	int64_t told_us; /* when the totals were told last; of clock_now_us() */
	bool untold;     /* they have changed since */
	int64_t trim_us; /* when the heap is trimmed next; 0: no request since the last time */
	bool listening;
	bool ending; /* a signal came */
};

/* False: it could not (errno). SIGTERM and SIGINT are blocked by the caller. */
NP_MUST_CHECK bool idle_open(struct idle *idle);
void idle_close(struct idle *idle);

/* Waits for a connection. Returns its socket, or -1 when the worker shall end: a signal, or
 * `timeout_s` without one (0: it stays). A worker that was told to end takes none; one that woke it
 * woke no other worker, so it wakes them. A worker that leaves after a time-out is off the
 * listener's queue by then. */
int idle_wait(struct idle *idle, int64_t timeout_s);

/* The worker is idle from now on (its slot too). After a request it opens the next connection
 * ahead, unless enough idle workers have done so. */
void idle_begin(struct idle *idle);

/* It has gone to work (its slot is not idle any more): if nobody is ready now, the others shall
 * know. */
void idle_end(struct idle *idle);

#endif
