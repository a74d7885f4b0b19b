/* exporter.h - the master's side of tracing: a socket from the workers to the sender (sender.h),
 * and who forks that */
#ifndef NULLPOOL_SERVE_EXPORTER_H
#define NULLPOOL_SERVE_EXPORTER_H

#include <sys/types.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "serve/pool.h"

struct exporter;

/* *exporter is NULL when no collector is configured. */
NP_MUST_CHECK bool exporter_new(void *owner, const struct settings *settings,
                                struct exporter **exporter, struct error *err);

/* What a worker writes to, in a child of the master: -1 without a exporter. The other end is closed
 * there. */
int exporter_writer(struct exporter *exporter);

/* Forks the sender when there is none and one is due; returns when it wants to be asked again. NULL
 * is none. */
struct deadline exporter_tend(struct exporter *exporter, const struct pool *pool);

/* A child has ended; false when it was not the sender. */
bool exporter_bury(struct exporter *exporter, pid_t pid, int status);

/* No worker is left: the sender ends when it has sent what it has. */
void exporter_close(struct exporter *exporter);

#endif
