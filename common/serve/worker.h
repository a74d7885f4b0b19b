/* worker.h - one worker: waits, accepts, answers, one request at a time */
#ifndef NULLPOOL_SERVE_WORKER_H
#define NULLPOOL_SERVE_WORKER_H

#include "observe/scoreboard.h"
#include "serve/child.h"

/* Serves until SIGTERM or SIGINT, which the caller has blocked: a worker looks for them between two
 * requests, so that none is cut. It also leaves after idle_timeout_s without a request (0: it
 * stays) and after WORKER_MAX_REQUESTS. `slot` is its own. Returns the exit code: EXIT_INTERNAL
 * (logged) if it could not begin. */
int worker_run(const struct inheritance *own, struct slot *slot, int64_t idle_timeout_s);

#endif
