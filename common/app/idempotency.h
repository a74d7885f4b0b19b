/* idempotency.h - Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST that is safe
 * to repeat
 *
 * A POST of an NP_TX_WRITE route with that header claims its key in its first flight, and keeps
 * with the commit either what its statements returned (db/claim.h: no round trip more) or its
 * answer, so that work and answer are there together or not at all. A repeat gets that answer. A
 * commit whose outcome is unknown is asked for again under the same key, by ourselves, until the
 * deadline: the claim knows what became of it. Failures before that commit are not kept: they did
 * nothing. Keys live for 24 hours (migration 0004).
 *
 * The same request is one of the same method, route and arguments (json_canonical.h says what is
 * one value in JSON; a number of a list, a date with its time and an e-mail address are compared as
 * they are spelled). What two settings of SECRET_KEY, or a program up to 0.1.0, kept is found under
 * their fingerprints, by a round trip more. Such an older program knows nothing of ours: while both
 * run, a repeat that it gets of a request that we did is 422 there.
 *
 * An answer is kept sealed with a key derived from SECRET_KEY. Rows of statements are not: the
 * server keeps them itself. Without SECRET_KEY an answer with a secret in it is not kept, and a
 * repeat is a 409 that says so.
 */
#ifndef NULLPOOL_APP_IDEMPOTENCY_H
#define NULLPOOL_APP_IDEMPOTENCY_H

#include "app/ctx.h"

/* Reads the header, if the route is one that takes it. NP_MALFORMED: it is no key; NP_INVALID: the
 * route cannot. */
NP_MUST_CHECK bool idempotency_read(struct np_ctx *ctx);

/* Commits, with the reply. */
NP_MUST_CHECK bool idempotency_commit(struct np_ctx *ctx);

/* Whether the failure means that the request was done before. idempotency_recall() then has either
 * the answer in the reply, or the transaction give the handler what its statements returned: the
 * handler makes the answer again. */
bool idempotency_is_known(const struct np_ctx *ctx);
NP_MUST_CHECK bool idempotency_recall(struct np_ctx *ctx);

/* Whether asking again may tell what became of the request; `unsure`: a commit of it was sent, and
 * its outcome is not known. */
bool idempotency_may_tell(const struct np_ctx *ctx, bool unsure);

#endif
