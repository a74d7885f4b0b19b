/* metrics.h - the scoreboards of all endpoints as Prometheus reads them (np_metrics() of
 * nullpool.h)
 *
 * Ours, because a client library (libprom) would want to own the counters, which live in memory
 * that processes share. Formats: https://prometheus.io/docs/instrumenting/exposition_formats/ and,
 * for who accepts it, OpenMetrics 1.0.
 */
#ifndef NULLPOOL_OBSERVE_METRICS_H
#define NULLPOOL_OBSERVE_METRICS_H

#include "base/attributes.h"
#include "base/buf.h"
#include "observe/boards.h"

/* The directory whose scoreboards are meant; borrowed. */
void metrics_set_directory(const char *directory);

void metrics_write(struct buf *out, const struct boards *boards, bool openmetrics);

#endif
