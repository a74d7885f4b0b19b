#include "app/idempotency.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/json_canonical.h"
#include "http/param_row.h"
#include "http/reply_text.h"

#define KEY_MAX_BYTES          255
#define FINGERPRINTS_MAX_BYTES 256
#define RESPONSES_KEY          "nullpool: responses kept for repeats, 1"

/* SQLSTATEs of idempotency_claim(), migration 0004. */
#define CODE_RUNNING    "NP001"
#define CODE_KNOWN      "NP002"
#define CODE_OF_ANOTHER "NP003"

/* Of a response that is sealed; base64url follows. */
#define SEALED "sealed:"
/* Of one that had a secret and could not be sealed, without SECRET_KEY. */
#define NOT_KEPT ""

static const char claim[] = "SELECT idempotency_claim($1, $2, $3)";

static const char new_response[] =
    "INSERT INTO idempotency_keys (caller, key, fingerprint, response) VALUES ($1, $2, $3, $4)";

/* Of np_work, see wrap.h: the rows of all statements of the transaction, this one's last. */
static const char new_results[] =
    "INSERT INTO idempotency_keys (caller, key, fingerprint, results)"
    " SELECT $1, $2, $3, $4::jsonb || jsonb_build_array(coalesce(jsonb_agg((np_work.*)::text), '[]')) FROM np_work";

/* The response, or what rows_replay() takes; under any of the fingerprints that the request may
 * have had. */
static const char known[] =
    "SELECT k.response, s.place, r.record FROM idempotency_keys k"
    " LEFT JOIN jsonb_array_elements(k.results) WITH ORDINALITY AS s (records, place) ON true"
    " LEFT JOIN jsonb_array_elements_text(s.records) WITH ORDINALITY AS r (record, number) ON true"
    " WHERE k.caller = $1 AND k.key = $2 AND k.fingerprint = ANY($3::text[]) ORDER BY s.place, r.number";

/* --- the header --- */

/* A structured field's string (RFC 9651 3.3.3), behind its opening quote. */
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

/* Visible ASCII as it is, or a string in quotes. NULL: it is no key. */
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

/* --- what makes two requests the same --- */

static struct hash_part
part_of(const char *text)
{
	return (struct hash_part){ text, text ? strlen(text) : 0 };
}

/* What was sent as one value in several ways is one text: JSON and numbers. */
static struct hash_part
same_part(void *owner, const struct np_param *param, const char *text)
{
	struct buf out;

	if (!text || param->max_items > 0
	    || (param->type != NP_JSON && param->type != NP_OBJECT && param->type != NP_FLOAT))
		return part_of(text);
	buf_init(&out, owner, JSON_CANONICAL_MAX_BYTES(strlen(text)));
	json_canonical(&out, text);
	/* With the NUL behind each string in it. */
	return (struct hash_part){ out.data, out.size };
}

/* Of the method, the route, and each argument that was given, wherever it stood. An argument that
 * was not given is not in it, so a route may get a further one while keys live. With SECRET_KEY,
 * since a body may hold a password: nobody who reads the table can try which. */
static const char *
fingerprint_of(const struct np_ctx *ctx, void *owner, const char *secret)
{
	const struct np_param *params = ctx->route->params;
	unsigned char key[HASH_KEY_BYTES];
	char *hash = mem_resize(owner, NULL, HASH_TEXT_BYTES);
	struct hash_part *parts;
	size_t count = 0;

	while (params && params[count].name)
		count++;
	parts = mem_array(owner, struct hash_part, 2 + 3 * count);
	parts[0] = part_of(ctx->route->method);
	parts[1] = part_of(ctx->route->path);
	count = 2;
	for (size_t i = 0; params && params[i].name; i++) {
		if (!ctx->arguments[i].given)
			continue;
		parts[count++] = part_of(param_places[params[i].in]);
		parts[count++] = part_of(params[i].name);
		parts[count++] = same_part(owner, &params[i], ctx->arguments[i].value.text);
	}
	if (secret)
		hash_derive_key(secret, "nullpool: fingerprints of requests, 2", key);
	hash_parts(secret ? key : NULL, parts, count, hash);
	mem_free(parts);
	return hash;
}

/* As programs up to 0.1.0 made it: of the bytes, without headers. Their rows live for 24 hours. */
static const char *
fingerprint_before(void *owner, const struct request *request, const char *secret)
{
	char *hash = mem_resize(owner, NULL, HASH_TEXT_BYTES);
	struct buf text;

	buf_init(&text, owner,
	         request->body_size + strlen(request->method) + strlen(request->target) + 2);
	buf_text(&text, request->method);
	buf_char(&text, ' ');
	buf_text(&text, request->target);
	buf_char(&text, '\n');
	buf_add(&text, request->body, request->body_size);
	hash_keyed(secret, text.data, text.size, hash);
	return hash;
}

/* The one of before says nothing about a header, so it may be that of another request. */
static bool
may_be_of_before(const struct np_route *route)
{
	for (const struct np_param *param = route->params; param && param->name; param++)
		if (param->in == NP_HEADER)
			return false;
	return true;
}

/* All that the same request may have been kept under, an array of Postgres. */
static const char *
fingerprints_of(struct np_ctx *ctx)
{
	const struct settings *settings = ctx->app->settings;
	const char *const secrets[] = { settings->secret_key, settings->secret_key_previous };
	struct buf all;

	buf_init(&all, ctx, FINGERPRINTS_MAX_BYTES);
	for (size_t i = 0; i < COUNT_OF(secrets); i++) {
		if (i > 0 && !secrets[i])
			continue;
		buf_printf(&all, "%s%s", i == 0 ? "{" : ",", fingerprint_of(ctx, ctx, secrets[i]));
		if (may_be_of_before(ctx->route))
			buf_printf(&all, ",%s", fingerprint_before(ctx, ctx->request, secrets[i]));
	}
	buf_char(&all, '}');
	return all.data;
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
		               "Idempotency-Key must have 1 to %d visible characters of ASCII,"
		               " or be a string of RFC 9651",
		               KEY_MAX_BYTES);
	ctx->claim_values[CLAIM_CALLER] = np_text(ctx->caller ? ctx->caller : "");
	ctx->claim_values[CLAIM_KEY] = np_text(key);
	ctx->claim_values[CLAIM_FINGERPRINT] = np_text(
	    fingerprint_of(ctx, ctx, ctx->app->settings->secret_key));
	ctx->claim = (struct claim){
		claim, { ctx->claim_values, CLAIM__MAX }, new_results, { .owner = NULL }
	};
	claim_init(&ctx->claim, ctx);
	return true;
}

/* --- its end --- */

static const char *
subject_of(const struct np_ctx *ctx, void *owner)
{
	return mem_printf(owner, "%s\n%s", ctx->claim_values[CLAIM_CALLER].text,
	                  ctx->claim_values[CLAIM_KEY].text);
}

/* An answer may have a secret in it: nobody who reads the table sees it. */
static const char *
seal_response(struct np_ctx *ctx, const struct buf *response)
{
	const char *secret = ctx->app->settings->secret_key;
	unsigned char key[HASH_KEY_BYTES];

	if (!secret)
		return ctx->is_random ? NOT_KEPT : response->data;
	hash_derive_key(secret, RESPONSES_KEY, key);
	return mem_printf(ctx, SEALED "%s",
	                  seal(ctx, key, subject_of(ctx, ctx), response->data, response->size));
}

/* NULL: it was sealed with another key. What is not sealed was kept without SECRET_KEY, or by a
 * program up to 0.1.0. */
static const char *
unseal_response(struct np_ctx *ctx, const char *text)
{
	const struct settings *settings = ctx->app->settings;
	const char *const secrets[] = { settings->secret_key, settings->secret_key_previous };
	unsigned char key[HASH_KEY_BYTES];
	const char *opened = NULL;
	size_t size;

	if (!text_starts(text, SEALED))
		return text;
	for (size_t i = 0; i < COUNT_OF(secrets) && !opened; i++) {
		if (!secrets[i])
			continue;
		hash_derive_key(secrets[i], RESPONSES_KEY, key);
		opened = unseal(ctx, key, subject_of(ctx, ctx), text + strlen(SEALED), &size);
	}
	return opened;
}

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
	values[CLAIM__MAX] = np_text(seal_response(ctx, &response));
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
	/* The claim knows one fingerprint; idempotency_recall() asks for the others. */
	return has_code(ctx, CODE_KNOWN) || has_code(ctx, CODE_OF_ANOTHER);
}

static bool
take_response(struct np_ctx *ctx, const char *kept)
{
	const char *text = unseal_response(ctx, kept);

	if (strcmp(kept, NOT_KEPT) == 0)
		return np_fail(
		    ctx, NP_CONFLICT,
		    "The request with this Idempotency-Key was done; its answer was not kept");
	ctx->replied = text && reply_from_text(&ctx->reply, text, strlen(text));
	return ctx->replied || np_fail(ctx, NP_INTERNAL, "what was kept under the key is no reply");
}

bool
idempotency_recall(struct np_ctx *ctx)
{
	bool known_as_it_is = has_code(ctx, CODE_KNOWN);
	struct error refusal = ctx->error;
	struct np_value values[CLAIM__MAX];
	struct np_rows *rows;

	memcpy(values, ctx->claim_values, sizeof(values));
	values[CLAIM_FINGERPRINT] = np_text(fingerprints_of(ctx));
	ctx_restart(ctx);
	transaction_drop_claim(ctx->tx, known_as_it_is);
	if (known_as_it_is)
		transaction_mark_last(ctx->tx);
	if (!np_query(ctx, &rows, known, (struct np_values){ values, CLAIM__MAX }))
		return false;
	if (np_rows_count(rows) == 0 && !known_as_it_is) {
		ctx->error = refusal;
		return false;
	}
	if (np_rows_count(rows) == 0)
		return np_fail(ctx, NP_UNAVAILABLE,
		               "The answer that was kept is just ending; ask again");
	transaction_drop_claim(ctx->tx, true);
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
