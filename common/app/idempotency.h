/* idempotency.h - Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST that is safe
 * to repeat
 *
 * It serves a POST of an NP_TX_WRITE route. The guard, a statement before the first one, claims the
 * key in the table idempotency_keys (migration 0004) or fails because the key is there. What
 * answers a repeat is stored in the same transaction as the work:
 *
 * - The rows of all statements, if the marked statement can store them itself (keep_rows_sql.h): no
 *   round trip more. A repeat runs the handler on the stored rows.
 * - Otherwise the response, with the commit: one round trip more.
 *
 * So work and answer are there together, or neither is. attempts.h says what happens when the
 * outcome of the commit is unknown. A failure before the commit is not stored: it did nothing. Keys
 * live for 24 hours.
 *
 * fingerprint.h says which requests are the same. What was stored under an older fingerprint is
 * found by one round trip more. A program up to 0.1.0 knows nothing of ours: while both run, it
 * answers 422 to a repeat of a request that we did.
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
	bool is_found; /* idempotency_recall() found the key, in this run */
	struct np_value values[IDEMPOTENCY_VALUES];
	struct transaction_guard guard;
	/* The rows of the statements before the marked one, as a JSON array of an array of
	 * composite values (db/composite.h) for each, without its last bracket. */
	struct buf earlier_rows;
};

/* Forgets what the run has found and returned, because the handler begins again. */
static inline void
idempotency_reset(struct idempotency *idempotency)
{
	if (!idempotency->has_key)
		return;
	idempotency->is_found = false;
	buf_reset(&idempotency->earlier_rows);
	buf_char(&idempotency->earlier_rows, '[');
}

struct np_ctx;

/* Reads the header, if the route takes it. Fails with FAILURE_MALFORMED if it is no key, and with
 * FAILURE_INVALID if the route cannot take one. */
NP_MUST_CHECK bool idempotency_read(struct np_ctx *ctx);

/* For the request's transaction; NULL: it has no key. */
const struct transaction_guard *idempotency_guard(const struct np_ctx *ctx);

/* Commits, and stores the response if the rows were not stored. */
NP_MUST_CHECK bool idempotency_commit(struct np_ctx *ctx);

/* Returns true if the failure means that the key's request is committed. */
bool idempotency_is_done(const struct np_ctx *ctx);

/* Returns true if the failure means that the key's request still runs. */
bool idempotency_is_running(const struct np_ctx *ctx);

/* Reads what was stored, after idempotency_is_done(). On success either ctx->replied says that the
 * response is there, or the transaction replays the stored rows to the handler. */
NP_MUST_CHECK bool idempotency_recall(struct np_ctx *ctx);

#endif
