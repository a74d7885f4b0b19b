/* count.h - what a worker's requests came to, in its endpoint's scoreboard */
#ifndef NULLPOOL_SERVE_COUNT_H
#define NULLPOOL_SERVE_COUNT_H

#include "app/app.h"
#include "app/report.h"

/* An app's report(). */
void count_report(const struct app *app, const struct report *report);

/* An app's may_explain(): true once a minute for all workers together. */
bool count_may_explain(void);

/* What the process counts by itself, connections and log lines that were dropped, is told when a worker has time for it, and at its
 * end. */
void count_totals(const struct app *app);
bool count_is_untold(const struct app *app);

/* Log lines alone, of any process. */
void count_log_dropped(void);

#endif
