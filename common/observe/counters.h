/* counters.h - what a worker's requests came to, in its endpoint's scoreboard */
#ifndef NULLPOOL_OBSERVE_COUNTERS_H
#define NULLPOOL_OBSERVE_COUNTERS_H

#include "app/app.h"
#include "app/request_stats.h"

/* An app's report(). */
void counters_record_request(const struct app *app, const struct request_stats *stats);

/* An app's may_explain(): true once a minute for all workers together. */
bool counters_may_explain(void);

/* What the process counts by itself, connections and log lines that were dropped, is told when a
 * worker has time for it, and at its end. */
void counters_flush(const struct app *app);
bool counters_are_pending(const struct app *app);

/* Log lines alone, of any process. */
void counters_flush_dropped_lines(void);

#endif
