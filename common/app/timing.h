/* timing.h - Server-Timing (https://www.w3.org/TR/server-timing/): where the time of a request
 * went, for a browser's developer tools */
#ifndef NULLPOOL_APP_TIMING_H
#define NULLPOOL_APP_TIMING_H

#include "app/ctx.h"

/* Adds the header: the total until now, connecting and its phases, flights, and Redis. */
void timing_add_header(struct np_ctx *ctx);

#endif
