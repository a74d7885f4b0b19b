#include "app/idempotency.h"

#include "app/ctx.h"
#include "app/fingerprint.h"
#include "app/keep_rows_sql.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/flight.h"
#include "http/reply_text.h"

#define KEY_MAX_BYTES   255
#define ROWS_MAX_BYTES  (1 << 20) /* of the rows of a transaction as they are stored */
#define SEALING_PURPOSE "nullpool: responses kept for repeats, 1"

/* SQLSTATEs of idempotency_claim(), migration 0004. */
#define SQLSTATE_RUNNING           "NP001"
#define SQLSTATE_DONE              "NP002"
#define SQLSTATE_OTHER_FINGERPRINT "NP003"

/* In an older snapshot the guard does not see a row that has just been committed, but inserting its
 * own violates this constraint. */
#define KEY_CONSTRAINT "idempotency_keys_pkey"

/* Of a response that is sealed; base64url follows. */
#define SEALED_PREFIX "sealed:"
/* In place of one that has a secret and could not be sealed, without SECRET_KEY. */
#define NOT_STORED ""

static const char claimed_key[] = "SELECT idempotency_claim($1, $2, $3)";

static const char new_response[] =
    "INSERT INTO idempotency_keys (caller, key, fingerprint, response) VALUES ($1, $2, $3, $4)";

/* For keep_rows_sql(): the rows of all statements of the transaction, with those of np_work last.
 */
static const char new_rows[] =
    "INSERT INTO idempotency_keys (caller, key, fingerprint, results)"
    " SELECT $1, $2, $3, $4::jsonb || jsonb_build_array(coalesce(jsonb_agg((np_work.*)::text),"
    " '[]')) FROM np_work";

/* The response, or what rows_replay() takes; under any of the request's fingerprints. */
static const char stored_answer[] =
    "SELECT k.response, s.place, r.record FROM idempotency_keys k"
    " LEFT JOIN jsonb_array_elements(k.results) WITH ORDINALITY AS s (records, place) ON true"
    " LEFT JOIN jsonb_array_elements_text(s.records) WITH ORDINALITY AS r (record, number) ON true"
    " WHERE k.caller = $1 AND k.key = $2 AND k.fingerprint = ANY($3::text[])"
    " ORDER BY s.place, r.number";

/* --- the header --- */

/* A string of a structured field (RFC 9651 3.3.3), after its opening quote. */
static const char *
parse_quoted_key(void *owner, const char *value)
{
	struct buf key;

	buf_init(&key, owner, KEY_MAX_BYTES);
	for (; *value && *value != '"'; value++) {
		if (*value == '\\' && *++value != '"' && *value != '\\')
			return NULL;
		if (*value < ' ' || *value > '~')
			return NULL;
		buf_char(&key, *value);
	}
	return strcmp(value, "\"") == 0 && key.size > 0 && !key.overflow ? key.data : NULL;
}

/* Visible ASCII, or a quoted string. Returns NULL if it is no key. */
static const char *
parse_key(void *owner, const char *value)
{
	size_t size = strlen(value);

	if (*value == '"')
		return parse_quoted_key(owner, value + 1);
	if (size == 0 || size > KEY_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < size; i++)
		if (value[i] <= ' ' || value[i] > '~' || value[i] == '"' || value[i] == '\\')
			return NULL;
	return value;
}

/* --- the guard --- */

static void
add_earlier_rows(void *context, const struct np_rows *rows)
{
	struct idempotency *idempotency = context;

	if (idempotency->earlier_rows.size > 1)
		buf_char(&idempotency->earlier_rows, ',');
	rows_write_composites(rows, &idempotency->earlier_rows);
}

/* The statement also stores its rows; its parameters are followed by the guard's and by the earlier
 * rows. */
static bool
store_rows_with(void *context, void *owner, struct transaction_statement *statement)
{
	const struct idempotency *idempotency = context;
	struct np_values own = statement->values;
	size_t count = own.count + IDEMPOTENCY_VALUES + 1;
	struct np_value *values;
	struct buf sql;

	if (count > FLIGHT_VALUES_MAX || idempotency->earlier_rows.overflow)
		return false;
	buf_init(&sql, owner, strlen(statement->sql) + sizeof(new_rows) + 256);
	if (!keep_rows_sql(&sql, statement->sql, own.count, new_rows))
		return false;
	values = mem_array(owner, struct np_value, count);
	if (own.count > 0)
		memcpy(values, own.items, own.count * sizeof(*values));
	memcpy(values + own.count, idempotency->values, sizeof(idempotency->values));
	values[count - 1] = np_text(mem_printf(owner, "%s]", idempotency->earlier_rows.data));
	statement->sql = sql.data;
	statement->values = (struct np_values){ values, count };
	return true;
}

static void
begin_key(struct np_ctx *ctx, const char *key)
{
	struct idempotency *idempotency = &ctx->idempotency;

	idempotency->has_key = true;
	idempotency->values[IDEMPOTENCY_CALLER] = np_text(ctx->caller ? ctx->caller : "");
	idempotency->values[IDEMPOTENCY_KEY] = np_text(key);
	idempotency->values[IDEMPOTENCY_FINGERPRINT] = np_text(fingerprint_new(ctx));
	idempotency->guard = (struct transaction_guard){
		.before = { claimed_key, { idempotency->values, IDEMPOTENCY_VALUES }, NULL },
		.constraint = KEY_CONSTRAINT,
		.extend_last = store_rows_with,
		.see_rows = add_earlier_rows,
		.context = idempotency,
	};
	buf_init(&idempotency->earlier_rows, ctx, ROWS_MAX_BYTES);
	idempotency_reset(idempotency);
}

bool
idempotency_read(struct np_ctx *ctx)
{
	const char *header = request_header(ctx->request, "idempotency-key"), *key;

	if (!header || strcmp(ctx->route->method, "POST") != 0 || ctx->route->tx == NP_TX_NONE
	    || ctx->route->tx == NP_TX_READ)
		return true;
	/* With several commits there is no single moment at which the answer could be stored. */
	if (ctx->route->tx == NP_TX_MANUAL)
		return np_fail(ctx, NP_ERROR_INVALID, "This path takes no Idempotency-Key");
	key = parse_key(ctx, header);
	if (!key)
		return np_fail(ctx, NP_ERROR_MALFORMED,
		               "Idempotency-Key must have 1 to %d visible characters of ASCII,"
		               " or be a string of RFC 9651",
		               KEY_MAX_BYTES);
	begin_key(ctx, key);
	return true;
}

const struct transaction_guard *
idempotency_guard(const struct np_ctx *ctx)
{
	return ctx->idempotency.has_key ? &ctx->idempotency.guard : NULL;
}

/* --- the stored response --- */

static const char *
sealing_subject(const struct np_ctx *ctx, void *owner)
{
	return mem_printf(owner, "%s\n%s", ctx->idempotency.values[IDEMPOTENCY_CALLER].text,
	                  ctx->idempotency.values[IDEMPOTENCY_KEY].text);
}

/* A response may have a secret in it: who reads the table must not see it. */
static const char *
seal_response(struct np_ctx *ctx, const struct buf *response)
{
	const char *secret = ctx->app->settings->secret_key;
	unsigned char key[HASH_KEY_BYTES];

	if (!secret)
		return ctx->is_random ? NOT_STORED : response->data;
	hash_derive_key(secret, SEALING_PURPOSE, key);
	return mem_printf(
	    ctx, SEALED_PREFIX "%s",
	    seal(ctx, key, sealing_subject(ctx, ctx), response->data, response->size));
}

/* Returns NULL if it was sealed with another key. One that is not sealed was stored without
 * SECRET_KEY, or by a program up to 0.1.0. */
static const char *
unseal_response(struct np_ctx *ctx, const char *text)
{
	const struct settings *settings = ctx->app->settings;
	const char *const secrets[] = { settings->secret_key, settings->secret_key_previous };
	unsigned char key[HASH_KEY_BYTES];
	const char *opened = NULL;
	size_t size;

	if (!text_starts(text, SEALED_PREFIX))
		return text;
	for (size_t i = 0; i < COUNT_OF(secrets) && !opened; i++) {
		if (!secrets[i])
			continue;
		hash_derive_key(secrets[i], SEALING_PURPOSE, key);
		opened = unseal(ctx, key, sealing_subject(ctx, ctx), text + strlen(SEALED_PREFIX),
		                &size);
	}
	return opened;
}

bool
idempotency_commit(struct np_ctx *ctx)
{
	struct transaction_statement store = { new_response };
	struct np_value values[IDEMPOTENCY_VALUES + 1];
	struct buf response;

	if (!ctx->idempotency.has_key || transaction_is_ended(ctx->tx)
	    || transaction_has_failed(ctx->tx))
		return transaction_commit(ctx->tx, NULL, &ctx->error);
	memcpy(values, ctx->idempotency.values, sizeof(ctx->idempotency.values));
	buf_init(&response, ctx, REPLY_BODY_MAX_BYTES + REPLY_HEADERS_MAX_BYTES);
	reply_to_text(&ctx->reply, &response);
	if (response.overflow)
		return np_fail(ctx, NP_ERROR_INTERNAL, "the reply is too large to be stored");
	values[IDEMPOTENCY_VALUES] = np_text(seal_response(ctx, &response));
	store.values = (struct np_values){ values, IDEMPOTENCY_VALUES + 1 };
	return transaction_commit(ctx->tx, &store, &ctx->error);
}

/* --- a repeat --- */

static bool
failed_with(const struct np_ctx *ctx, const char *sqlstate)
{
	return ctx->idempotency.has_key && strcmp(ctx->error.sqlstate, sqlstate) == 0;
}

bool
idempotency_is_done(const struct np_ctx *ctx)
{
	/* The guard knows one fingerprint; idempotency_recall() asks for the others. */
	return failed_with(ctx, SQLSTATE_DONE) || failed_with(ctx, SQLSTATE_OTHER_FINGERPRINT);
}

bool
idempotency_is_running(const struct np_ctx *ctx)
{
	return failed_with(ctx, SQLSTATE_RUNNING);
}

static bool
take_response(struct np_ctx *ctx, const char *stored)
{
	const char *text = unseal_response(ctx, stored);

	if (strcmp(stored, NOT_STORED) == 0)
		return np_fail(
		    ctx, NP_ERROR_CONFLICT,
		    "The request with this Idempotency-Key was done; its answer was not stored");
	ctx->replied = text && reply_from_text(&ctx->reply, text, strlen(text));
	return ctx->replied || np_fail(ctx, NP_ERROR_INTERNAL, "the stored response is invalid");
}

bool
idempotency_recall(struct np_ctx *ctx)
{
	bool is_exact = failed_with(ctx, SQLSTATE_DONE);
	struct error refusal = ctx->error;
	struct np_value values[IDEMPOTENCY_VALUES];
	struct transaction_statement recall = { stored_answer,
		                                { values, IDEMPOTENCY_VALUES },
		                                NULL };
	const char *response;
	struct np_rows *rows;

	memcpy(values, ctx->idempotency.values, sizeof(values));
	values[IDEMPOTENCY_FINGERPRINT] = np_text(fingerprint_all(ctx));
	ctx_restart(ctx);
	transaction_drop_guard(ctx->tx);
	/* With a fingerprint that is exact this statement is all that is left to do. */
	if (!transaction_run(ctx->tx, &recall, is_exact, &rows, &ctx->error))
		return false;
	if (np_rows_count(rows) == 0 && !is_exact) {
		ctx->error = refusal;
		return false;
	}
	if (np_rows_count(rows) == 0)
		return np_fail(ctx, NP_ERROR_UNAVAILABLE, "The stored response has expired; retry");
	ctx->idempotency.is_found = true;
	response = np_field(rows, 0, "response").text;
	if (response)
		return take_response(ctx, response);
	transaction_replay(ctx->tx, rows);
	return true;
}
