/* counters.h - counts what a worker does, in the scoreboard of its endpoint */
#ifndef NULLPOOL_OBSERVE_COUNTERS_H
#define NULLPOOL_OBSERVE_COUNTERS_H

#include "app/app.h"
#include "app/request_stats.h"

/* An app's record_request(). */
void counters_record_request(const struct app *app, const struct request_stats *stats);

/* An app's may_explain(). Returns true once a minute, for all workers together. */
bool counters_may_explain(void);

/* A process counts its connections and dropped log lines in its own memory. flush() adds what was
 * counted since the last flush to the scoreboard: a worker calls it when it has time, and at its
 * end. are_pending() returns true if there is something to add. */
void counters_flush(const struct app *app);
bool counters_are_pending(const struct app *app);

/* Flushes the dropped log lines only; for processes without connections. */
void counters_flush_dropped_lines(void);

#endif
