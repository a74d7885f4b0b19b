/* exporter.h - the master's side of tracing: the socket pair from the workers to the process that
 * exports their spans (otlp_export.h), and that process's life
 *
 * It is forked when a collector is configured, and again a second after it crashed. One that says
 * that it cannot work is not replaced.
 */
#ifndef NULLPOOL_SERVE_EXPORTER_H
#define NULLPOOL_SERVE_EXPORTER_H

#include "base/clock.h"
#include "serve/child.h"

/* All zeros before exporter_open(). */
struct exporter {
	pid_t pid; /* 0: none runs */
	struct deadline due;
	bool unavailable; /* it ended with EXIT_UNAVAILABLE */
};

/* Makes the socket pair, in `master`, if a collector is configured. */
NP_MUST_CHECK bool exporter_open(struct inheritance *master, struct error *err);

/* Returns when exporter_start() is due. */
struct deadline exporter_due(const struct exporter *exporter, const struct inheritance *master);

/* Forks the exporter. */
void exporter_start(struct exporter *exporter, const struct inheritance *master);

/* Returns true if the child that ended was the exporter. */
bool exporter_on_child_exit(struct exporter *exporter, const struct inheritance *master, pid_t pid,
                            int status);

/* Closes the master's writing end. When no worker has one either, the exporter sends what it has
 * and ends. */
void exporter_close(struct inheritance *master);

#endif
