/* cli.h - one request from the shell:  users GET '/users?limit=2' */
#ifndef NULLPOOL_COMMAND_CLI_H
#define NULLPOOL_COMMAND_CLI_H

#include "app/app.h"

/* Prints status line, headers, a blank line, the body. The body of POST, PUT and PATCH comes from
 * standard input and is taken for JSON. Returns the exit code: 0 below 400, 1 from 400. */
int cli_run(struct app *app, const char *method, const char *target);

#endif
