/* cli.h - one request from the shell:  users GET '/users?limit=2' */
#ifndef NULLPOOL_COMMAND_CLI_H
#define NULLPOOL_COMMAND_CLI_H

#include "app/app.h"

/* Answers the request, and prints the status line, the headers, a blank line and the body. The body
 * of POST, PUT and PATCH is read from standard input as JSON. Returns the exit code: 0 for a status
 * below 400, else 1. */
int cli_run(struct app *app, const char *method, const char *target);

#endif
