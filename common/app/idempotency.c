#include "app/idempotency.h"

#include "base/hash.h"
#include "base/mem.h"
#include "http/reply_text.h"

#define KEY_MAX_BYTES 255

/* SQLSTATEs of idempotency_claim(), migration 0004. */
#define CODE_RUNNING "NP001"
#define CODE_KNOWN   "NP002"

static const char claim[] = "SELECT idempotency_claim($1, $2, $3)";

static const char new_response[] =
    "INSERT INTO idempotency_keys (caller, key, fingerprint, response) VALUES ($1, $2, $3, $4)";

/* Of np_work, see wrap.h: the rows of all statements of the transaction, this one's last. */
static const char new_results[] =
    "INSERT INTO idempotency_keys (caller, key, fingerprint, results)"
    " SELECT $1, $2, $3, $4::jsonb || jsonb_build_array(coalesce(jsonb_agg((np_work.*)::text), '[]')) FROM np_work";

/* The response, or what rows_again() takes. */
static const char known[] =
    "SELECT k.response, s.place, r.record FROM idempotency_keys k"
    " LEFT JOIN jsonb_array_elements(k.results) WITH ORDINALITY AS s (records, place) ON true"
    " LEFT JOIN jsonb_array_elements_text(s.records) WITH ORDINALITY AS r (record, number) ON true"
    " WHERE k.caller = $1 AND k.key = $2 AND k.fingerprint = $3 ORDER BY s.place, r.number";

/* --- the header --- */

/* Visible ASCII, as it is or in the quotes of a structured field's string (RFC 9651 3.3.3). NULL: it is no key. */
static const char *
parse_key(void *owner, const char *value)
{
	size_t size = strlen(value);

	if (size >= 2 && value[0] == '"' && value[size - 1] == '"') {
		value++;
		size -= 2;
	}
	if (size == 0 || size > KEY_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < size; i++)
		if (value[i] <= ' ' || value[i] > '~' || value[i] == '"' || value[i] == '\\')
			return NULL;
	return mem_strndup(owner, value, size);
}

/* With the key, since a body may hold a password: nobody who reads the table can try which. */
static const char *
fingerprint_of(void *owner, const struct request *request, const char *secret_key)
{
	char *hash = mem_resize(owner, NULL, HASH_TEXT_BYTES);
	struct buf text;

	buf_init(&text, owner, request->body_size + strlen(request->method) + strlen(request->target) + 2);
	buf_text(&text, request->method);
	buf_char(&text, ' ');
	buf_text(&text, request->target);
	buf_char(&text, '\n');
	buf_add(&text, request->body, request->body_size);
	hash_keyed(secret_key, text.data, text.size, hash);
	return hash;
}

bool
idempotency_read(struct np_ctx *ctx)
{
	const char *header = request_header(ctx->request, "idempotency-key"), *key;

	if (!header || strcmp(ctx->route->method, "POST") != 0 || ctx->route->tx == NP_TX_NONE
	    || ctx->route->tx == NP_TX_READ)
		return true;
	/* What commits several times has no one moment at which its answer could be kept. */
	if (ctx->route->tx == NP_TX_MANUAL)
		return np_fail(ctx, NP_INVALID, "This path takes no Idempotency-Key");
	key = parse_key(ctx, header);
	if (!key)
		return np_fail(ctx, NP_MALFORMED,
		               "Idempotency-Key must have 1 to %d visible characters of ASCII",
		               KEY_MAX_BYTES);
	ctx->claim_values[CLAIM_CALLER] = np_text(ctx->caller ? ctx->caller : "");
	ctx->claim_values[CLAIM_KEY] = np_text(key);
	ctx->claim_values[CLAIM_FINGERPRINT] = np_text(
	    fingerprint_of(ctx, ctx->request, ctx->app->settings->secret_key));
	ctx->claim = (struct claim){
		claim, { ctx->claim_values, CLAIM__MAX }, new_results, { .owner = NULL }
	};
	claim_init(&ctx->claim, ctx);
	return true;
}

/* --- its end --- */

bool
idempotency_commit(struct np_ctx *ctx)
{
	struct transaction_statement keep = { new_response };
	struct np_value values[CLAIM__MAX + 1];
	struct buf response;

	if (!ctx->claim.sql || transaction_is_done(ctx->tx))
		return transaction_commit(ctx->tx, NULL, &ctx->error);
	memcpy(values, ctx->claim_values, sizeof(ctx->claim_values));
	buf_init(&response, ctx, REPLY_BODY_MAX_BYTES + REPLY_HEADERS_MAX_BYTES);
	reply_to_text(&ctx->reply, &response);
	if (response.overflow)
		return np_fail(ctx, NP_INTERNAL, "the reply is too large to be kept");
	values[CLAIM__MAX] = np_text(response.data);
	keep.values = (struct np_values){ values, CLAIM__MAX + 1 };
	return transaction_commit(ctx->tx, &keep, &ctx->error);
}

static bool
has_code(const struct np_ctx *ctx, const char *code)
{
	return ctx->claim.sql && strcmp(ctx->error.sqlstate, code) == 0;
}

bool
idempotency_is_known(const struct np_ctx *ctx)
{
	return has_code(ctx, CODE_KNOWN);
}

static bool
take_response(struct np_ctx *ctx, const char *text)
{
	ctx->replied = reply_from_text(&ctx->reply, text, strlen(text));
	return ctx->replied || np_fail(ctx, NP_INTERNAL, "what was kept under the key is no reply");
}

bool
idempotency_recall(struct np_ctx *ctx)
{
	struct np_rows *rows;

	ctx_restart(ctx);
	transaction_drop_claim(ctx->tx);
	transaction_mark_last(ctx->tx);
	if (!np_query(ctx, &rows, known, (struct np_values){ ctx->claim_values, CLAIM__MAX }))
		return false;
	if (np_rows_count(rows) == 0)
		return np_fail(ctx, NP_UNAVAILABLE, "The answer that was kept is just ending; ask again");
	if (!np_field(rows, 0, "response").text) {
		transaction_replay(ctx->tx, rows);
		return true;
	}
	return take_response(ctx, np_field(rows, 0, "response").text);
}

bool
idempotency_may_tell(const struct np_ctx *ctx, bool unsure)
{
	if (!ctx->claim.sql || !unsure)
		return false;
	return ctx->error.kind == NP_AMBIGUOUS || ctx->error.kind == NP_UNAVAILABLE
	       || has_code(ctx, CODE_RUNNING);
}
