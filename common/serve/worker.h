/* worker.h - one worker: waits, accepts, answers, one request at a time */
#ifndef NULLPOOL_SERVE_WORKER_H
#define NULLPOOL_SERVE_WORKER_H

#include "app/app.h"
#include "observe/scoreboard.h"

struct worker_options {
	struct app *app;
	int listener;    /* a listening socket in non-blocking mode */
	int busy_event;  /* eventfd of the master: written when no idle worker is left */
	int ready_event; /* eventfd of all workers, see idle.h */
	struct slot *slot;
	int spans;              /* where a request's spans go in one message; -1: nowhere */
	int64_t idle_timeout_s; /* it leaves after so long without a request; 0: it stays */
	int64_t max_requests;   /* it leaves after so many; 0: no limit */
};

/* Serves until SIGTERM or SIGINT (blocked by the caller: they are taken between requests only, so
 * that none is cut), or until it leaves by the options. False: it could not begin (logged). */
NP_MUST_CHECK bool worker_run(const struct worker_options *options);

#endif
