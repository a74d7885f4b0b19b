/* failure.h - from an error to the problem document that the client gets */
#ifndef NULLPOOL_APP_FAILURE_H
#define NULLPOOL_APP_FAILURE_H

#include "app/ctx.h"

/* Replaces the reply by what ctx->error says; headers that the handler set are dropped. */
void failure_reply(struct np_ctx *ctx);

int failure_status(enum np_failure kind);

#endif
