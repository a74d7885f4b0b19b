/* metrics.h - the scoreboards of all endpoints as metrics for Prometheus (np_metrics() of
 * nullpool.h)
 *
 * Prometheus' client library for C (libprom) would keep the counters itself; ours are in memory
 * that processes share. Formats: https://prometheus.io/docs/instrumenting/exposition_formats/, and
 * OpenMetrics 1.0 for clients that accept it.
 */
#ifndef NULLPOOL_OBSERVE_METRICS_H
#define NULLPOOL_OBSERVE_METRICS_H

#include "base/attributes.h"
#include "base/buf.h"
#include "observe/boards.h"

/* Sets the directory whose scoreboards np_metrics() reads; borrowed. */
void metrics_set_directory(const char *directory);

void metrics_write(struct buf *out, const struct boards *boards, bool openmetrics);

#endif
