/* idempotency.h - Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST that is safe
 * to repeat
 *
 * It serves a POST of an NP_TX_WRITE route. The guard travels before the first statement: it looks
 * up the key in the table idempotency_keys (migration 0004) and claims it, or fails because the key
 * is there. The answer is stored in the same transaction as the work:
 *
 * - np_answer() stores the row that the answer is made from, by the statement itself (`keep` of
 *   struct np_statement): no round trip more.
 * - Otherwise the response is stored, with the commit: one round trip more.
 *
 * So work and answer are there together, or neither is. A repeat learns its answer in the flight
 * that the claim refuses: it runs no statement, and of the handler only what comes before the first
 * one. attempts.h says what happens when the outcome of the commit is unknown. A failure before the
 * commit is not stored: it did nothing. Keys live for 24 hours.
 *
 * fingerprint.h says which requests are the same. A program up to 0.1.0 knows nothing of ours:
 * while both run, it answers 422 to a repeat of a request that we did.
 *
 * A response is sealed with a key that is derived from SECRET_KEY. Rows are not, since the server
 * stores them itself. Without SECRET_KEY a response with a secret in it is not stored, and a repeat
 * gets a 409 that says so.
 */
#ifndef NULLPOOL_APP_IDEMPOTENCY_H
#define NULLPOOL_APP_IDEMPOTENCY_H

#include "base/attributes.h"
#include "base/buf.h"
#include "db/transaction.h"

/* What idempotency_claim() takes. */
enum { IDEMPOTENCY_CALLER, IDEMPOTENCY_KEY, IDEMPOTENCY_FINGERPRINT, IDEMPOTENCY_VALUES };

/* Of one request; zeros without a key. */
struct idempotency {
	bool has_key;
	bool is_found; /* idempotency_recall() found the key */
	struct np_value values[IDEMPOTENCY_VALUES];
	struct transaction_guard guard;
};

struct np_ctx;

/* Reads the header, if the route takes it. Fails with FAILURE_MALFORMED if it is no key, and with
 * FAILURE_INVALID if the route cannot take one. */
NP_MUST_CHECK bool idempotency_read(struct np_ctx *ctx);

/* For the request's transaction; NULL: it has no key. */
const struct transaction_guard *idempotency_guard(const struct np_ctx *ctx);

/* With a key: makes the statement one that also stores its row, and fails if it has several, or
 * none after others of the transaction. Returns false if it cannot: the response is stored instead,
 * with the commit. */
bool idempotency_keep_row(struct np_ctx *ctx, const struct np_call *call,
                          struct transaction_statement *statement);

/* Commits, and stores the response if the row was not stored. */
NP_MUST_CHECK bool idempotency_commit(struct np_ctx *ctx);

/* Returns true if the failure of a statement is what the guard found about the key. */
bool idempotency_decides(const struct np_ctx *ctx, const struct error *failure);

/* Returns true if the failure means that the key's request is committed. */
bool idempotency_is_done(const struct np_ctx *ctx);

/* Returns true if the failure means that the key's request still runs. */
bool idempotency_is_running(const struct np_ctx *ctx);

/* Makes the reply of what was stored, after idempotency_is_done(). */
NP_MUST_CHECK bool idempotency_recall(struct np_ctx *ctx);

#endif
