#include "app/idempotency.h"

#include "app/answer_row.h"
#include "app/ctx.h"
#include "app/fingerprint.h"
#include "app/identify.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/flight.h"
#include "http/json.h"
#include "http/reply_text.h"

#define KEY_MAX_BYTES   255
#define COLUMNS_MAX     64 /* of a row that is stored */
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

static const char stored_answer[] = "SELECT fingerprint, response, results FROM idempotency_keys"
                                    " WHERE caller = $1 AND key = $2"
                                    " AND created_at >= now() - interval '24 hours'";

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

bool
idempotency_keep_row(struct np_ctx *ctx, const struct np_call *call,
                     struct transaction_statement *statement)
{
	struct np_value more[IDEMPOTENCY_VALUES + 1];

	/* A header of the handler's own, and a secret that must not be stored as it is. */
	if (!call->statement->keep || ctx->reply.header_count > 0 || ctx->is_random
	    || call->count + COUNT_OF(more) > FLIGHT_VALUES_MAX)
		return false;
	memcpy(more, ctx->idempotency.values, sizeof(ctx->idempotency.values));
	more[IDEMPOTENCY_VALUES] = np_bool(transaction_is_open(ctx->tx));
	statement->sql = call->statement->keep;
	statement->values = ctx_extend_values(ctx, call, (struct values){ more, COUNT_OF(more) });
	return true;
}

static void
begin_key(struct np_ctx *ctx, const char *key)
{
	struct idempotency *idempotency = &ctx->idempotency;

	idempotency->has_key = true;
	idempotency->values[IDEMPOTENCY_CALLER] = np_text(identify_owner(ctx));
	idempotency->values[IDEMPOTENCY_KEY] = np_text(key);
	idempotency->values[IDEMPOTENCY_FINGERPRINT] = np_text(fingerprint_new(ctx));
	idempotency->guard = (struct transaction_guard){
		.lookup = { stored_answer, { idempotency->values, IDEMPOTENCY_FINGERPRINT }, NULL },
		.claim = { claimed_key, { idempotency->values, IDEMPOTENCY_VALUES }, NULL },
		.constraint = KEY_CONSTRAINT,
	};
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

static bool
is_text(const struct buf *response)
{
	return strlen(response->data) == response->size
	       && utf8_valid(response->data, response->size, NULL);
}

/* A response may have a secret in it: who reads the table must not see it. */
static const char *
seal_response(struct np_ctx *ctx, const struct buf *response)
{
	const char *secret = ctx->app->settings->secret_key;
	unsigned char key[HASH_KEY_BYTES];

	/* A text of Postgres has no NUL, and only UTF-8. */
	if (!secret)
		return ctx->is_random || !is_text(response) ? NOT_STORED : response->data;
	hash_derive_key(secret, SEALING_PURPOSE, key);
	return mem_printf(
	    ctx, SEALED_PREFIX "%s",
	    seal(ctx, key, sealing_subject(ctx, ctx), response->data, response->size));
}

/* *size is that of what is returned. Returns NULL if it was sealed with another key. One that is
 * not sealed was stored without SECRET_KEY, or by a program up to 0.1.0. */
static const char *
unseal_response(struct np_ctx *ctx, const char *text, size_t *size)
{
	const struct settings *settings = ctx->app->settings;
	const char *const secrets[] = { settings->secret_key, settings->secret_key_previous };
	unsigned char key[HASH_KEY_BYTES];
	const char *opened = NULL;

	*size = strlen(text);
	if (!text_starts(text, SEALED_PREFIX))
		return text;
	for (size_t i = 0; i < COUNT_OF(secrets) && !opened; i++) {
		if (!secrets[i])
			continue;
		hash_derive_key(secrets[i], SEALING_PURPOSE, key);
		opened = unseal(ctx, key, sealing_subject(ctx, ctx), text + strlen(SEALED_PREFIX),
		                size);
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
	store.values = (struct values){ values, IDEMPOTENCY_VALUES + 1 };
	return transaction_commit(ctx->tx, &store, &ctx->error);
}

/* --- a repeat --- */

static bool
is_of_guard(const struct np_ctx *ctx, const struct error *failure, const char *sqlstate)
{
	return ctx->idempotency.has_key && strcmp(failure->sqlstate, sqlstate) == 0;
}

bool
idempotency_decides(const struct np_ctx *ctx, const struct error *failure)
{
	return is_of_guard(ctx, failure, SQLSTATE_RUNNING)
	       || is_of_guard(ctx, failure, SQLSTATE_DONE)
	       || is_of_guard(ctx, failure, SQLSTATE_OTHER_FINGERPRINT);
}

bool
idempotency_is_done(const struct np_ctx *ctx)
{
	/* The claim knows one fingerprint; idempotency_recall() compares the others. */
	return is_of_guard(ctx, &ctx->error, SQLSTATE_DONE)
	       || is_of_guard(ctx, &ctx->error, SQLSTATE_OTHER_FINGERPRINT);
}

bool
idempotency_is_running(const struct np_ctx *ctx)
{
	return is_of_guard(ctx, &ctx->error, SQLSTATE_RUNNING);
}

static bool
refuse_not_stored(struct np_ctx *ctx)
{
	return np_fail(ctx, NP_ERROR_CONFLICT,
	               "The request with this Idempotency-Key was done; its answer was not stored");
}

static bool
take_response(struct np_ctx *ctx, const char *stored)
{
	size_t size;
	const char *text = unseal_response(ctx, stored, &size);

	if (strcmp(stored, NOT_STORED) == 0)
		return refuse_not_stored(ctx);
	ctx->replied = text && reply_from_text(&ctx->reply, text, size);
	return ctx->replied || np_fail(ctx, NP_ERROR_INTERNAL, "the stored response is invalid");
}

/* Reads [name, type, value or null], as `keep` of struct np_statement writes it. */
static bool
read_column(struct np_ctx *ctx, const struct json_member *stored, struct rows_column *column)
{
	struct json_items items = json_items(stored);
	struct json_member name, type, value;

	if (!json_next_item(ctx, &items, &name) || name.kind != JSON_STRING
	    || !json_next_item(ctx, &items, &type) || type.kind != JSON_INT
	    || !json_next_item(ctx, &items, &value))
		return false;
	*column = (struct rows_column){ name.text, (Oid)strtoul(type.text, NULL, 10),
		                        value.kind == JSON_STRING ? value.text : NULL };
	return true;
}

/* Returns NULL if it is not {"columns": [column, …]}, such as what a program up to 0.1.0 stored. */
static const struct np_rows *
read_row(struct np_ctx *ctx, const char *stored)
{
	struct rows_column columns[COLUMNS_MAX];
	struct json_member column;
	struct json_items items;
	struct json_body body;
	struct error err;
	size_t count = 0;

	if (!json_body_read(ctx, stored, strlen(stored), &body, &err) || body.count != 1
	    || strcmp(body.members[0].name, "columns") != 0 || body.members[0].kind != JSON_ARRAY)
		return NULL;
	items = json_items(&body.members[0]);
	while (json_next_item(ctx, &items, &column))
		if (count == COLUMNS_MAX || column.kind != JSON_ARRAY
		    || !read_column(ctx, &column, &columns[count++]))
			return NULL;
	return count > 0 ? rows_of_one(ctx, columns, count) : NULL;
}

static bool
take_row(struct np_ctx *ctx, const char *stored)
{
	const struct np_rows *row = stored ? read_row(ctx, stored) : NULL;

	if (!row)
		return refuse_not_stored(ctx);
	return transaction_learn_types(ctx->tx, row, &ctx->error) && answer_row(ctx, row);
}

/* The flight that the claim refused has looked the key up before, unless the key's request was
 * committed just between the two. */
static const struct np_rows *
find_stored(struct np_ctx *ctx)
{
	const struct np_rows *found = transaction_found(ctx->tx);
	struct np_rows *rows;

	ctx_restart(ctx);
	if (found && np_rows_count(found) > 0)
		return found;
	transaction_drop_guard(ctx->tx);
	return transaction_run(ctx->tx, &ctx->idempotency.guard.lookup, false, &rows, &ctx->error)
	           ? rows
	           : NULL;
}

bool
idempotency_recall(struct np_ctx *ctx)
{
	struct error refusal = ctx->error;
	const struct np_rows *rows = find_stored(ctx);
	const char *response;

	if (!rows)
		return false;
	if (np_rows_count(rows) == 0)
		return np_fail(ctx, NP_ERROR_UNAVAILABLE, "The stored response has expired; retry");
	if (!fingerprint_matches(ctx, np_field(rows, 0, "fingerprint").text)) {
		ctx->error = refusal;
		return false;
	}
	ctx->idempotency.is_found = true;
	response = np_field(rows, 0, "response").text;
	return response ? take_response(ctx, response)
	                : take_row(ctx, np_field(rows, 0, "results").text);
}
