/* failure.h - from an error to the response that the client gets
 *
 * A failure is application/problem+json (RFC 9457), or OAuth2's error object in a route with
 * NP_ERROR_FORMAT_OAUTH2. The client learns the status, a detail in the route's own words where it
 * has some, and the request id; what Postgres said stays in the log.
 */
#ifndef NULLPOOL_APP_FAILURE_H
#define NULLPOOL_APP_FAILURE_H

#include "app/ctx.h"

/* Replaces the reply by a description of ctx->error, without the headers that the handler set. */
void failure_reply(struct np_ctx *ctx);

/* Returns the HTTP status of a kind of failure. */
int failure_status(enum failure kind);

#endif
