/* count.h - what a worker's requests came to, in its endpoint's scoreboard */
#ifndef NULLPOOL_SERVE_COUNT_H
#define NULLPOOL_SERVE_COUNT_H

#include "app/app.h"
#include "app/report.h"

/* An app's report(). */
void count_report(const struct app *app, const struct report *report);

#endif
