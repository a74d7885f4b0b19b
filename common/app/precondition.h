/* precondition.h - If-Match and If-None-Match of a write, as nullpool.h promises
 *
 * The headers are compared with the answer that a GET of the same path gives at that moment. So the
 * handler of that GET runs first, in the transaction of the write: ctx->route is then ctx->get (see
 * ctx_is_probing()), and the reply it makes is dropped after its tag has been read.
 */
#ifndef NULLPOOL_APP_PRECONDITION_H
#define NULLPOOL_APP_PRECONDITION_H

#include "app/ctx.h"

/* Reads the headers and finds the GET to compare with. Fails with FAILURE_PRECONDITION_FAILED if no
 * GET is comparable, and with FAILURE_PRECONDITION_REQUIRED if the route demands a header that is
 * missing.
 */
NP_MUST_CHECK bool precondition_read(struct np_ctx *ctx);

/* Returns the isolation level that the request's transaction needs. */
enum np_isolation precondition_isolation(const struct np_ctx *ctx);

/* Compares the headers with what GET answers now, in the transaction and before the handler; leaves
 * an empty reply. A request that was done before under its Idempotency-Key fails as a repeat,
 * whatever GET answers now. */
NP_MUST_CHECK bool precondition_check(struct np_ctx *ctx);

/* Returns true if the failure may come from a row that another request inserted after the check. */
bool precondition_may_have_changed(const struct np_ctx *ctx);

#endif
