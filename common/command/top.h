/* top.h - `<program> --top [DIRECTORY]`: what all endpoints do now, from their scoreboards */
#ifndef NULLPOOL_COMMAND_TOP_H
#define NULLPOOL_COMMAND_TOP_H

#include "base/attributes.h"

/* Prints a table each second, until its output is closed, a signal ends the process, or q is typed.
 * On a terminal each table replaces the one before. directory: where the sockets are; NULL: the
 * first of /run/nullpool and .local/run that exists. Returns false if there is no such directory,
 * which it says on standard error. */
bool top_run(const char *directory);

#endif
