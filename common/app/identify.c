#include "app/identify.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/misuse.h"
#include "base/text.h"
#include "db/flight.h"
#include "http/cookie.h"
#include "http/jwt.h"
#include "http/problem.h"
#include "http/route.h"

/* Both functions of migration 0012 fail with NP005 without a caller, and with NP006 without the
 * scope of .require. */
static const char key_check[] = "SELECT request_key_check($1, $2)::text AS claims";

static void
ask_database(struct np_ctx *ctx, const char *sql, struct values values)
{
	ctx->identity = (struct transaction_statement){ sql, values, NULL };
	ctx->is_unidentified = true;
}

static struct np_value
required_scope(const struct np_ctx *ctx)
{
	return np_text(ctx->route->require);
}

bool
identify_by_key(struct np_ctx *ctx)
{
	const char *key = request_header(ctx->request, "x-api-key");
	char *hash;

	if (!key)
		return np_fail(ctx, NP_ERROR_UNAUTHORIZED, PROBLEM_NO_KEY);
	hash = mem_resize(ctx, NULL, HASH_TEXT_BYTES);
	hash_text(key, strlen(key), hash);
	ctx->identity_values[0] = np_text(hash);
	ctx->identity_values[1] = required_scope(ctx);
	ask_database(ctx, key_check, (struct values){ ctx->identity_values, 2 });
	return true;
}

bool
identify_guard(struct np_ctx *ctx)
{
	bool ok;

	if (!ctx->route->guard)
		return true;
	misuse_reset();
	ctx->is_guarding = true;
	ok = ctx->route->guard(ctx);
	ctx->is_guarding = false;
	if (misuse_noted())
		return np_fail(ctx, NP_ERROR_INTERNAL, "the guard of %s %s: %s", ctx->route->method,
		               ctx->route->path, misuse_noted());
	if (ctx->error.kind)
		return false;
	if (ctx->replied)
		return np_fail(ctx, NP_ERROR_INTERNAL, "a guard made a reply");
	if (!ok)
		return np_fail(ctx, NP_ERROR_INTERNAL, "a guard failed without saying why");
	if (ctx->route->require && !ctx->is_unidentified && !ctx->caller)
		return np_fail(ctx, NP_ERROR_INTERNAL, "a guard identified nobody with the scope");
	return true;
}

const char *
identify_uuid(struct np_ctx *ctx, const char *text)
{
	static const struct np_param uuid = { .name = "id", .type = NP_TYPE_UUID };
	struct argument argument = { .given = true };

	return param_check(ctx, &uuid, text, &argument) ? NULL : argument.value.text;
}

bool
identify_confirm(struct np_ctx *ctx)
{
	struct np_rows *nothing;

	return !ctx->is_unidentified || transaction_identified(ctx->tx)
	       || transaction_query(ctx->tx, "SELECT", NO_VALUES, &nothing, &ctx->error);
}

bool
identify_caller(struct np_ctx *ctx)
{
	struct jwt_holder holder;

	if (!ctx->is_unidentified)
		return true;
	if (!identify_confirm(ctx))
		return false;
	if (!jwt_read_claims(ctx, np_field(transaction_identified(ctx->tx), 0, "claims").text,
	                     &holder))
		return np_fail(ctx, NP_ERROR_INTERNAL, "the claims of a caller are not readable");
	ctx->is_unidentified = false;
	ctx->caller = holder.subject;
	ctx->caller_is_uuid = holder.subject && identify_uuid(ctx, holder.subject);
	ctx->scopes = holder.scopes;
	return true;
}

const char *
identify_owner(struct np_ctx *ctx)
{
	struct hash_part *parts;
	char *hash;
	size_t count = 0;

	if (!ctx->is_unidentified && !ctx->guard_saw && !ctx->caller_issuer)
		return ctx->caller ? ctx->caller : "";
	parts = mem_array(ctx, struct hash_part, ctx->identity.values.count + 3);
	parts[count++] = hash_part_of(ctx->caller);
	parts[count++] = hash_part_of(ctx->guard_saw);
	if (ctx->caller_issuer)
		parts[count++] = hash_part_of(ctx->caller_issuer);
	/* Those of a token change with each refresh. */
	for (size_t i = 0; ctx->is_unidentified && i < ctx->identity.values.count; i++)
		parts[count++] = hash_part_of(np_text_of(ctx, ctx->identity.values.items[i]));
	hash = mem_resize(ctx, NULL, HASH_TEXT_BYTES);
	hash_parts(NULL, parts, count, hash);
	return hash;
}

/* --- for guards --- */

/* The statement is sent when the guard has returned, so its texts are copied. */
static struct values
keep_values(struct np_ctx *ctx, const struct np_call *call)
{
	size_t count = call->count + 1;
	struct np_value *values = mem_array(ctx, struct np_value, count);

	for (size_t i = 0; i < call->count; i++) {
		values[i] = call->values[i];
		if (values[i].text)
			values[i].text = mem_strdup(ctx, values[i].text);
	}
	values[call->count] = required_scope(ctx);
	return (struct values){ values, count };
}

bool
np_identify(struct np_ctx *ctx, struct np_call call)
{
	ctx_check_call(&call, call.statement->kind == NP_KIND_ONE, "np_identify");
	if (!ctx->is_guarding)
		misuse_note("np_identify() outside of a guard");
	else if (ctx->route->auth != NP_AUTH_NONE || ctx->route->tx == NP_TX_NONE)
		misuse_note("np_identify() in a route with .auth, or of NP_TX_NONE");
	else if (call.count >= FLIGHT_VALUES_MAX)
		misuse_note("np_identify() with more than %d values", FLIGHT_VALUES_MAX - 1);
	if (misuse_noted())
		return np_fail(ctx, NP_ERROR_INTERNAL, "%s", misuse_noted());
	ask_database(ctx,
	             mem_printf(ctx,
	                        "WITH np_caller AS (%s\n) SELECT request_identify("
	                        "(SELECT to_json(np_caller) FROM np_caller), $%zu)::text AS claims",
	                        call.statement->sql, call.count + 1),
	             keep_values(ctx, &call));
	return true;
}

/* What a guard has looked at tells its callers apart. */
static struct np_value
looked_at(struct np_ctx *ctx, const char *what, const char *name, const char *value)
{
	/* A repeat of another client would get this one's response. */
	if (!ctx->is_guarding && route_takes_idempotency_key(ctx->route))
		misuse_note("np_%s_of() in the handler of a POST of NP_TX_WRITE: take it in a"
		            " guard, or as a parameter",
		            what);
	if (ctx->route->cache.key)
		misuse_note("np_%s_of() in a route with a cache key: all clients would get the"
		            " same response",
		            what);
	if (value && !utf8_valid(value, strlen(value), NULL))
		value = NULL;
	if (ctx->is_guarding)
		ctx->guard_saw = mem_printf(ctx, "%s%s=%s\n", ctx->guard_saw ? ctx->guard_saw : "",
		                            name, value ? value : "");
	return np_text(value);
}

struct np_value
np_cookie_of(struct np_ctx *ctx, const char *name)
{
	if (!cookie_is_name(name)) {
		misuse_note("np_cookie_of() of \"%s\", which no cookie is named", name);
		return np_null();
	}
	return looked_at(ctx, "cookie", name,
	                 cookie_find(ctx, request_header(ctx->request, "cookie"), name));
}

struct np_value
np_header_of(struct np_ctx *ctx, const char *name)
{
	const char *value = request_header(ctx->request, name);

	for (const char *c = name; *c; c++)
		if (text_lower(*c) != *c)
			misuse_note("np_header_of() of \"%s\": write it in lower case", name);
	return looked_at(ctx, "header", name, value);
}
