/* tracer.h - the master's side of tracing: a socket from the workers to the sender (sender.h), and who forks that */
#ifndef NULLPOOL_SERVE_TRACER_H
#define NULLPOOL_SERVE_TRACER_H

#include <sys/types.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "serve/pool.h"

struct tracer;

/* *tracer is NULL when no collector is configured. */
NP_MUST_CHECK bool tracer_new(void *owner, const struct settings *settings, struct tracer **tracer,
                              struct error *err);

/* What a worker writes to, in a child of the master: -1 without a tracer. The other end is closed there. */
int tracer_writer(struct tracer *tracer);

/* Forks the sender when there is none and one is due; returns when it wants to be asked again. NULL is none. */
struct deadline tracer_tend(struct tracer *tracer, const struct pool *pool);

/* A child has ended; false when it was not the sender. */
bool tracer_bury(struct tracer *tracer, pid_t pid, int status);

/* No worker is left: the sender ends when it has sent what it has. */
void tracer_close(struct tracer *tracer);

#endif
