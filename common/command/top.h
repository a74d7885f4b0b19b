/* top.h - a view of all endpoints for a terminal, from their scoreboards: `<program> --top
 * [DIRECTORY]` */
#ifndef NULLPOOL_COMMAND_TOP_H
#define NULLPOOL_COMMAND_TOP_H

#include "base/attributes.h"

/* A table a second, until nobody reads it or a signal ends the process; on a terminal each in the
 * place of the one before. directory: where the sockets are; NULL: the first of /run/nullpool and
 * .local/run that is there. False: there is no such directory (said on standard error). */
bool top_run(const char *directory);

#endif
