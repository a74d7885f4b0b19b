/* timing.h - where a request's time went, for the browser's tools (Server-Timing,
 * https://www.w3.org/TR/server-timing/) */
#ifndef NULLPOOL_APP_TIMING_H
#define NULLPOOL_APP_TIMING_H

#include "app/ctx.h"

/* Adds the header: all of it until now, connecting with its phases, the flights, Redis. */
void timing_header(struct np_ctx *ctx);

#endif
