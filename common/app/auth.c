#include "app/auth.h"

#include <time.h>

#include "app/identify.h"
#include "app/signing_keys.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/misuse.h"
#include "http/jwt.h"
#include "http/problem.h"

/* request_session_check() of migration 0009 fails with NP004 unless the session is live; the
 * transaction then does nothing. */
static const char identity_check[] =
    "SELECT set_config('request.jwt.claims', $1, true), request_session_check($2, $3)";

/* Sessions of another issuer are not known here. */
static const char identity_of_issuer[] = "SELECT set_config('request.jwt.claims', $1, true)";

/* Returns what follows the scheme in an Authorization header, or NULL if the header has another
 * scheme. Its name is not case-sensitive. */
static const char *
after_scheme(const char *header, const char *scheme)
{
	size_t size = strlen(scheme);

	if (strncasecmp(header, scheme, size) != 0 || header[size] != ' ')
		return NULL;
	return header + size + strspn(header + size, " ");
}

static const char *
token_of(const struct np_ctx *ctx, const char *header)
{
	const char *other = ctx->app->settings->auth_scheme;
	const char *token = after_scheme(header, "Bearer");

	return token || !other ? token : after_scheme(header, other);
}

/* Tries the current key, then the previous one. Returns the claims, or NULL. */
static const char *
verify_token(struct np_ctx *ctx, const char *token, struct jwt_holder *holder)
{
	const struct settings *settings = ctx->app->settings;
	const char *const keys[] = { settings->secret_key, settings->secret_key_previous };
	const char *claims = NULL;

	for (size_t i = 0; i < COUNT_OF(keys) && keys[i] && !claims; i++)
		claims = jwt_verify(ctx, keys[i], token, settings->app_name, time(NULL), holder);
	return claims;
}

static bool
refuse_token(struct np_ctx *ctx)
{
	return np_fail(ctx, NP_ERROR_UNAUTHORIZED, "The token is invalid or expired");
}

/* Sets the caller of a token that another issuer has signed. */
static bool
accept_issuers_token(struct np_ctx *ctx, const char *text)
{
	const struct oidc_rules rules = signing_keys_rules(ctx->app->settings);
	struct oidc_token token;
	const char *uuid;

	if (!oidc_token_read(ctx, text, &rules, time(NULL), &token))
		return refuse_token(ctx);
	switch (signing_keys_verify(ctx->app->signing_keys, &token, ctx->deadline)) {
	case OIDC_INVALID:
		return refuse_token(ctx);
	case OIDC_UNKNOWN_KEY:
		return np_fail(ctx, NP_ERROR_UNAVAILABLE,
		               "The keys of the token's issuer are not available");
	case OIDC_VALID:
		break;
	}
	uuid = identify_uuid(ctx, token.subject);
	ctx->caller = uuid ? uuid : token.subject;
	ctx->caller_is_uuid = uuid;
	ctx->caller_issuer = token.issuer;
	ctx->scopes = token.scopes;
	ctx->identity_values[IDENTITY_CLAIMS] = np_text(token.claims);
	ctx->identity = (struct transaction_statement){ identity_of_issuer,
		                                        { ctx->identity_values, 1 } };
	return true;
}

/* Sets the caller. */
static bool
accept_token(struct np_ctx *ctx, const char *token)
{
	struct jwt_holder holder;
	const char *claims = verify_token(ctx, token, &holder);

	if (!claims && ctx->app->signing_keys)
		return accept_issuers_token(ctx, token);
	if (!claims)
		return refuse_token(ctx);
	ctx->caller = identify_uuid(ctx, holder.subject);
	ctx->caller_session = identify_uuid(ctx, holder.session);
	ctx->caller_is_uuid = true;
	if (!ctx->caller || !ctx->caller_session)
		return refuse_token(ctx);
	ctx->scopes = holder.scopes;
	ctx->identity_values[IDENTITY_CLAIMS] = np_text(claims);
	ctx->identity_values[IDENTITY_USER] = np_text(ctx->caller);
	ctx->identity_values[IDENTITY_SESSION] = np_text(ctx->caller_session);
	ctx->identity = (struct transaction_statement){ identity_check,
		                                        { ctx->identity_values, IDENTITY__MAX } };
	return true;
}

static bool
has_scope(const struct np_ctx *ctx, const char *scope)
{
	size_t size = strlen(scope);

	for (const char *at = ctx->scopes; at && size > 0; at = strchr(at, ' ')) {
		at += strspn(at, " ");
		if (strcspn(at, " ") == size && memcmp(at, scope, size) == 0)
			return true;
	}
	return false;
}

static bool
grants_required_scope(const struct np_ctx *ctx, const struct np_route *route)
{
	return !route->require || has_scope(ctx, route->require);
}

bool
auth_check(struct np_ctx *ctx)
{
	const char *header, *token;

	if (ctx->route->auth == NP_AUTH_NONE)
		return true;
	if (ctx->route->auth == NP_AUTH_KEY)
		return identify_by_key(ctx);
	header = request_header(ctx->request, "authorization");
	if (!header && ctx->route->auth == NP_AUTH_OPTIONAL)
		return true;
	token = header ? token_of(ctx, header) : NULL;
	if (!token)
		return np_fail(ctx, NP_ERROR_UNAUTHORIZED, PROBLEM_NO_TOKEN);
	if (!accept_token(ctx, token))
		return false;
	if (!grants_required_scope(ctx, ctx->route))
		return np_fail(ctx, NP_ERROR_FORBIDDEN, PROBLEM_NO_SCOPE, ctx->route->require);
	return true;
}

bool
auth_allows(const struct np_ctx *ctx, const struct np_route *route)
{
	if (route->guard && route->guard != ctx->route->guard)
		return false;
	/* Whether the scope is granted is known once the caller is: see precondition_check(). */
	if (route->guard || route->auth == NP_AUTH_KEY)
		return route->auth == ctx->route->auth;
	return route->auth != NP_AUTH_USER || (ctx->caller && grants_required_scope(ctx, route));
}

bool
auth_lacks_scope(const struct np_ctx *ctx)
{
	return ctx->error.kind == FAILURE_FORBIDDEN && ctx->route
	       && ctx->route->auth == NP_AUTH_USER && ctx->caller
	       && !grants_required_scope(ctx, ctx->route);
}

bool
auth_is_used(const struct route_table *routes)
{
	for (size_t i = 0; i < routes->count; i++)
		if (routes->items[i].auth == NP_AUTH_USER
		    || routes->items[i].auth == NP_AUTH_OPTIONAL)
			return true;
	return false;
}

/* --- for handlers --- */

/* Returns false if the database does not know the caller. That is a failure of the transaction, and
 * of the request whatever the handler makes of it: see run_handler(). */
static bool
learn_caller(struct np_ctx *ctx, const char *function)
{
	if (!ctx->is_unidentified)
		return true;
	if (!ctx_has_transaction(ctx, function))
		return false;
	if (identify_caller(ctx))
		return true;
	if (ctx->error.kind == FAILURE_INTERNAL)
		misuse_note("%s(): %s", function, ctx->error.detail);
	return false;
}

bool
np_has_scope(struct np_ctx *ctx, const char *scope)
{
	return learn_caller(ctx, "np_has_scope") && has_scope(ctx, scope);
}

static struct np_value
uuid_value(const char *text)
{
	return (struct np_value){ .text = text, .type = NP_TYPE_UUID, .present = text != NULL };
}

struct np_value
np_caller(struct np_ctx *ctx)
{
	(void)!learn_caller(ctx, "np_caller");
	return ctx->caller && !ctx->caller_is_uuid ? np_text(ctx->caller) : uuid_value(ctx->caller);
}

struct np_value
np_caller_session(const struct np_ctx *ctx)
{
	return uuid_value(ctx->caller_session);
}

bool
np_require_caller(struct np_ctx *ctx, struct np_value user)
{
	const char *wanted = np_text_of(ctx, user);

	if (!learn_caller(ctx, "np_require_caller"))
		return false;
	if (ctx->caller && wanted && strcmp(ctx->caller, wanted) == 0)
		return true;
	return np_fail(ctx, NP_ERROR_FORBIDDEN, PROBLEM_NOT_YOURS);
}

struct np_value
np_client_network(struct np_ctx *ctx)
{
	const char *address = ctx->request->address;

	return np_text(address ? request_network(ctx, address) : NULL);
}

/* A program without .auth, or with JWT_JWKS, may have none. */
static bool
has_secret_key(const struct np_ctx *ctx, const char *function)
{
	if (!ctx->app->settings->secret_key)
		misuse_note("%s() without a SECRET_KEY", function);
	return ctx->app->settings->secret_key;
}

struct np_value
np_keyed_hash(struct np_ctx *ctx, const char *purpose, struct np_value text)
{
	const struct hash_part part = hash_part_of(np_text_of(ctx, text));
	unsigned char key[HASH_KEY_BYTES];
	char *hash;

	if (!has_secret_key(ctx, "np_keyed_hash"))
		return np_null();
	hash = mem_resize(ctx, NULL, HASH_TEXT_BYTES);
	hash_derive_key(ctx->app->settings->secret_key, purpose, key);
	hash_parts(key, &part, 1, hash);
	return np_text(hash);
}

struct np_value
np_password_hash(struct np_ctx *ctx, struct np_value password)
{
	const char *text = np_text_of(ctx, password);

	return np_text(text ? password_hash(ctx, text) : NULL);
}

bool
np_password_verify(struct np_ctx *ctx, struct np_value hash, struct np_value password)
{
	const char *text = np_text_of(ctx, password);

	/* Takes as long without a password, too. */
	return password_verify(np_text_of(ctx, hash), text ? text : "") && text;
}

struct np_value
np_access_token(struct np_ctx *ctx, struct np_value user, struct np_value session,
                struct np_value scopes)
{
	const struct jwt_claims claims = {
		.issuer = ctx->app->settings->app_name,
		.subject = np_text_of(ctx, user),
		.session = np_text_of(ctx, session),
		.scopes = np_text_of(ctx, scopes),
		.now_s = time(NULL),
		.life_s = np_access_token_life_s(ctx),
	};

	if (np_is_null(user) || np_is_null(session)) {
		misuse_note("np_access_token() of a user or session that is null");
		return np_null();
	}
	if (!has_secret_key(ctx, "np_access_token"))
		return np_null();
	ctx->is_random = true;
	return np_text(jwt_new(ctx, ctx->app->settings->secret_key, &claims));
}

int64_t
np_access_token_life_s(const struct np_ctx *ctx)
{
	return ctx->app->settings->access_token_expire_minutes * 60;
}

struct np_value
np_random_token(struct np_ctx *ctx)
{
	ctx->is_random = true;
	return np_text(random_token(ctx));
}

struct np_value
np_token_hash(struct np_ctx *ctx, struct np_value token)
{
	const char *text = np_text_of(ctx, token);
	char *hash;

	if (!text)
		return np_null();
	hash = mem_resize(ctx, NULL, HASH_TEXT_BYTES);
	hash_text(text, strlen(text), hash);
	return np_text(hash);
}
