/* backends.h - `<program> --backends[=N]`: shows which server process answers each of some reads
 *
 * A persistent connection is reused, so its server process stays the same; a fresh connection has
 * another one. A pooler in between may do either.
 */
#ifndef NULLPOOL_COMMAND_BACKENDS_H
#define NULLPOOL_COMMAND_BACKENDS_H

#include "app/app.h"

#define BACKENDS_READS     5 /* without =N */
#define BACKENDS_READS_MAX 1000

/* Runs the reads one after the other, each as a request would, and prints a line for each to
 * standard output. Returns false if one failed, which ends it (logged). */
bool backends_run(struct app *app, int64_t reads);

#endif
