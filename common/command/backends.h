/* backends.h - `<program> --pool[=N]`: as many reads one after the other, and which server process
 * had each: reuse, or its absence */
#ifndef NULLPOOL_COMMAND_BACKENDS_H
#define NULLPOOL_COMMAND_BACKENDS_H

#include "app/app.h"

#define REUSE_REQUESTS_MAX 1000

/* Prints a line each to standard output. False: one failed (logged). */
bool backends_run(struct app *app, int64_t requests);

#endif
