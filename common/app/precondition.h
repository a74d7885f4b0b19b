/* precondition.h - If-Match and If-None-Match of a write, as nullpool.h promises */
#ifndef NULLPOOL_APP_PRECONDITION_H
#define NULLPOOL_APP_PRECONDITION_H

#include "app/ctx.h"

/* Reads the headers and finds the GET to compare with. Fails with NP_PRECONDITION_FAILED if no GET
 * is comparable, and with NP_PRECONDITION_REQUIRED if the route demands the header. */
NP_MUST_CHECK bool precondition_read(struct np_ctx *ctx);

/* The isolation level that the request's transaction needs. */
enum np_isolation precondition_isolation(const struct np_ctx *ctx);

/* Runs in the transaction, before the handler: compares the headers with what GET answers now, and
 * leaves an empty reply. A request that was done before under its Idempotency-Key fails as a known
 * one, whatever GET answers now. */
NP_MUST_CHECK bool precondition_check(struct np_ctx *ctx);

/* Returns true if the failure may come from a row inserted by another request since the look. */
bool precondition_may_have_changed(const struct np_ctx *ctx);

#endif
