/* idle.h - a worker that waits: for a connection, for a signal, and meanwhile for its own next
 * database connection
 *
 * In mode ahead a request should meet the worker whose connection is ready, not one that has yet to
 * open it. So while any idle worker is ready, only those that are take connections. The worker that
 * becomes ready, and the last ready one that goes to work, tell the others by an eventfd that all
 * of them watch.
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
	int events;         /* epoll: listener, signals, ready_event; the databases during a wait */
	int signals;        /* signalfd */
	int64_t flushed_us; /* when the counters were last flushed; of clock_now_us() */
	bool pending;       /* they have changed since */
	int64_t heap_release_us; /* when the heap is released; 0: no request since the last time */
	bool listening;
	bool ending; /* a signal came */
};

/* Returns false (errno) if it could not. The caller has blocked SIGTERM and SIGINT. */
NP_MUST_CHECK bool idle_open(struct idle *idle);
void idle_close(struct idle *idle);

/* Waits for a connection. Returns its socket, or -1 if the worker has to end: after a signal, or
 * after `timeout_s` without a connection (0: it stays). A worker that was told to end takes no
 * connection; a connection that woke it woke no other worker, so it wakes them. A worker that
 * leaves after the time-out is off the listener's queue by then. */
int idle_wait(struct idle *idle, int64_t timeout_s);

/* The worker, and its slot, are idle from now on. After a request in mode ahead the next connection
 * is opened, unless enough idle workers have one. */
void idle_begin(struct idle *idle);

/* The worker has gone to work, and its slot is busy. If no other worker is ready, they are told. */
void idle_end(struct idle *idle);

#endif
