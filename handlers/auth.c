/* auth - register, sign in, stay signed in, sign out; see "Sign-in" in README.md
 *
 * A sign-in begins a session. A session is a family of refresh tokens: each is valid once, and its
 * use makes the next one. A session has ended when any token of its family has revoked_at.
 */
#include <inttypes.h>

#include "auth.sql.h"
#include "user.h"

/* 12 characters are hard to guess; more than 200 would only take our time. */
#define PASSWORD_MAX 200
#define PASSWORD_FIELD \
	.name = "password", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .max = PASSWORD_MAX
#define NEW_PASSWORD_RULES                                                        \
	.in = NP_IN_BODY, .type = NP_TYPE_STRING, .min = 12, .max = PASSWORD_MAX, \
	.example = "correct horse battery"

static const struct np_param new_password = { .name = "password",
	                                      NEW_PASSWORD_RULES,
	                                      .required = true };

static bool
register_user(struct np_ctx *ctx)
{
	return np_answer(ctx,
	                 new_user_with_password(np_arg(ctx, &email), np_arg(ctx, &name),
	                                        np_password_hash(ctx, np_arg(ctx, &new_password))));
}

#define USERNAME_MAX 254

/* RFC 6749 4.3 and 6. OAuth2 clients also send scope, client_id and client_secret, which have no
 * meaning here. */
static const struct np_param grant = { .name = "grant_type",
	                               .in = NP_IN_BODY,
	                               .type = NP_TYPE_ENUM,
	                               .choices = NP_NAMES("password", "refresh_token"),
	                               .default_value = "password" };
static const struct np_param username = { .name = "username",
	                                  .in = NP_IN_BODY,
	                                  .type = NP_TYPE_STRING,
	                                  .max = USERNAME_MAX,
	                                  .description = "the email address" };
static const struct np_param password = { PASSWORD_FIELD };
static const struct np_param refresh_token = {
	.name = "refresh_token", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .max = 100
};
static const struct np_param scope = { .name = "scope", .in = NP_IN_BODY, .type = NP_TYPE_STRING };
static const struct np_param client_id = { .name = "client_id",
	                                   .in = NP_IN_BODY,
	                                   .type = NP_TYPE_STRING };
static const struct np_param client_secret = { .name = "client_secret",
	                                       .in = NP_IN_BODY,
	                                       .type = NP_TYPE_STRING };

static const struct np_param access_token = { .name = "access_token", .type = NP_TYPE_STRING };
static const struct np_param token_type = { .name = "token_type",
	                                    .type = NP_TYPE_ENUM,
	                                    .choices = NP_NAMES("bearer") };
static const struct np_param expires_in = { .name = "expires_in",
	                                    .type = NP_TYPE_INT,
	                                    .description = "seconds" };
static const struct np_schema token_schema = { .name = "Token",
	                                       .members = NP_PARAMS(&access_token, &token_type,
	                                                            &expires_in, &refresh_token) };

static bool
reply_tokens(struct np_ctx *ctx, const struct np_rows *session, struct np_value token)
{
	struct np_value user = np_field(session, 0, "user_id"),
	                family = np_field(session, 0, "family"),
	                scopes = np_field(session, 0, "scopes");

	return np_commit(ctx) && np_header(ctx, "Cache-Control", "no-store")
	       && np_reply_object(
	           ctx, NP_STATUS_OK,
	           NP_OBJECT({ "access_token", np_access_token(ctx, user, family, scopes) },
	                     { "token_type", np_text("bearer") },
	                     { "expires_in", np_int(np_access_token_life_s(ctx)) },
	                     { "refresh_token", token }));
}

/* One attempt to prove that the client knows a password. */
struct attempt {
	struct np_value account, network; /* hashes, under which attempts are counted */
	struct np_value user, hash;       /* SQL's NULL: there is no such user, or no password */
};

/* Returns SQL's NULL, which matches no user, if the name is not ASCII. SQL's lower() turns the
 * Kelvin sign into a k, so the attempts at one account could be counted as those at several. */
static struct np_value
ascii_address(struct np_value sent)
{
	for (const char *at = sent.text; *at; at++)
		if ((unsigned char)*at > '~')
			return np_null();
	return sent;
}

/* Hashes the address in lower case, as SQL's lower() compares it. */
static struct np_value
account_hash(struct np_ctx *ctx, struct np_value address)
{
	char text[USERNAME_MAX + 1];
	size_t size = 0;

	if (np_is_null(address))
		return np_keyed_hash(ctx, "sign-in account", address);
	for (const char *at = address.text; *at; at++)
		text[size++] = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
	text[size] = '\0';
	return np_keyed_hash(ctx, "sign-in account", np_text(text));
}

static struct attempt
new_attempt(struct np_ctx *ctx, struct np_value account)
{
	struct np_value network = np_keyed_hash(ctx, "sign-in network", np_client_network(ctx));

	return (struct attempt){ .account = account, .network = network };
}

/* Commits the count of the attempt. Fails with NP_ERROR_TOO_MANY if it comes too early. */
static bool
begin_attempt(struct np_ctx *ctx, const struct np_rows *found, struct attempt *attempt)
{
	int64_t wait_s = np_field(found, 0, "wait_s").integer;

	attempt->user = np_field(found, 0, "user_id");
	attempt->hash = np_field(found, 0, "password_hash");
	if (!np_commit(ctx))
		return false;
	if (wait_s == 0)
		return true;
	np_retry_after(ctx, wait_s);
	return np_fail(ctx, NP_ERROR_TOO_MANY,
	               "Too many attempts: the next one is possible in %" PRId64 " s", wait_s);
}

static bool
refuse_password(struct np_ctx *ctx)
{
	return np_fail(ctx, NP_ERROR_UNAUTHORIZED, "Wrong email address or password");
}

static bool
sign_in(struct np_ctx *ctx)
{
	struct np_value address = ascii_address(np_arg(ctx, &username));
	struct attempt attempt = new_attempt(ctx, account_hash(ctx, address));
	struct np_value token = np_random_token(ctx);
	struct np_rows *found, *session;

	if (!np_query_one(ctx, &found, password_by_email(attempt.account, attempt.network, address))
	    || !begin_attempt(ctx, found, &attempt))
		return false;
	/* Takes as long if there is no such user. */
	if (!np_password_verify(ctx, attempt.hash, np_arg(ctx, &password)))
		return refuse_password(ctx);
	if (!np_query(ctx, &session,
	              new_session(attempt.user, attempt.hash, np_token_hash(ctx, token),
	                          attempt.account, attempt.network)))
		return false;
	return np_rows_count(session) == 1 ? reply_tokens(ctx, session, token)
	                                   : refuse_password(ctx);
}

static bool
stay_signed_in(struct np_ctx *ctx)
{
	struct np_value token = np_random_token(ctx),
	                hash = np_token_hash(ctx, np_arg(ctx, &refresh_token));
	struct np_rows *used;

	if (!np_query(ctx, &used, next_token(hash, np_token_hash(ctx, token))))
		return false;
	if (np_rows_count(used) == 1)
		return reply_tokens(ctx, used, token);
	/* The end of the session is committed, although the request fails. */
	return np_exec(ctx, end_session_of_used_token(hash)) && np_commit(ctx)
	       && np_fail(ctx, NP_ERROR_UNAUTHORIZED, "The refresh token is invalid or expired");
}

static bool
create_tokens(struct np_ctx *ctx)
{
	bool refresh = np_arg(ctx, &grant).text[0] == 'r';

	if (refresh ? !np_given(ctx, &refresh_token)
	            : !np_given(ctx, &username) || !np_given(ctx, &password))
		return np_fail(ctx, NP_ERROR_INVALID,
		               "Send username and password, or refresh_token");
	return refresh ? stay_signed_in(ctx) : sign_in(ctx);
}

/* A token of another issuer (JWT_JWKS) has no session, and its user need not be one of ours. */
static bool
require_session(struct np_ctx *ctx)
{
	return !np_is_null(np_caller_session(ctx))
	       || np_fail(ctx, NP_ERROR_FORBIDDEN, "This is for users who signed in here");
}

static bool
show_me(struct np_ctx *ctx)
{
	return require_session(ctx) && np_answer(ctx, user_by_id(np_caller(ctx)));
}

/* --- signing out, and changing the password --- */

static bool
sign_out(struct np_ctx *ctx)
{
	return require_session(ctx) && np_answer(ctx, end_session(np_caller_session(ctx)));
}

static bool
sign_out_everywhere(struct np_ctx *ctx)
{
	return require_session(ctx) && np_answer(ctx, end_sessions(np_caller(ctx)));
}

static const struct np_param old_password = { PASSWORD_FIELD, .required = true,
	                                      .description = "the current password" };
static const struct np_param other_password = { .name = "new_password",
	                                        NEW_PASSWORD_RULES,
	                                        .required = true };

static bool
refuse_password_change(struct np_ctx *ctx)
{
	return np_fail(ctx, NP_ERROR_FORBIDDEN, "Wrong password");
}

/* The other sessions end in a statement of its own, whose snapshot is taken after changed_password
 * has waited for its row: a sign-in may have begun a session in the meantime. */
static bool
replace_password(struct np_ctx *ctx, const struct attempt *attempt)
{
	struct np_value new_hash = np_password_hash(ctx, np_arg(ctx, &other_password));
	struct np_rows *changed;

	if (!np_query(ctx, &changed,
	              changed_password(new_hash, np_caller(ctx), attempt->hash, attempt->account,
	                               attempt->network)))
		return false;
	if (np_rows_count(changed) == 0)
		return refuse_password_change(ctx);
	return np_exec(ctx, end_other_sessions(np_caller(ctx), np_caller_session(ctx)))
	       && np_commit(ctx) && np_reply_empty(ctx);
}

static bool
change_password(struct np_ctx *ctx)
{
	struct attempt attempt;
	struct np_rows *found;

	if (!require_session(ctx))
		return false;
	attempt = new_attempt(ctx, np_keyed_hash(ctx, "change of password", np_caller(ctx)));
	if (!np_query_one(ctx, &found,
	                  password_by_user(attempt.account, attempt.network, np_caller(ctx)))
	    || !begin_attempt(ctx, found, &attempt))
		return false;
	return np_password_verify(ctx, attempt.hash, np_arg(ctx, &old_password))
	           ? replace_password(ctx, &attempt)
	           : refuse_password_change(ctx);
}

static const struct np_route routes[] = {
	{ .method = "POST",
	  .path = "/auth/register",
	  .handle = register_user,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&email, &name, &new_password),
	  .returns = &user_schema,
	  .answer = { .location = "/users/{id}" },
	  .docs = { .summary = "A new user with a password", .operation = "register" },
	  .errors = { EMAIL_TAKEN } },
	{ .method = "POST",
	  .path = "/auth/token",
	  .handle = create_tokens,
	  .tx = NP_TX_MANUAL,
	  .params = NP_PARAMS(&grant, &username, &password, &refresh_token, &scope, &client_id,
	                      &client_secret),
	  .form = true,
	  .lenient = true,
	  .returns = &token_schema,
	  .docs = { .summary = "An access token for a password or a refresh token",
	            .operation = "createToken" },
	  .errors = { .format = NP_ERROR_FORMAT_OAUTH2,
	              .unauthorized =
	                  "Wrong email address or password, or no valid refresh token" } },
	{ .method = "GET",
	  .path = "/auth/me",
	  .handle = show_me,
	  .tx = NP_TX_READ,
	  .auth = NP_AUTH_USER,
	  .returns = &user_schema,
	  .docs = { .summary = "The user of the token", .operation = "getMe" },
	  .errors = { .not_found = "This user has been deleted" } },
	{ .method = "DELETE",
	  .path = "/auth/session",
	  .handle = sign_out,
	  .tx = NP_TX_WRITE,
	  .auth = NP_AUTH_USER,
	  .docs = { .summary = "Sign out", .operation = "signOut" } },
	{ .method = "DELETE",
	  .path = "/auth/sessions",
	  .handle = sign_out_everywhere,
	  .tx = NP_TX_WRITE,
	  .auth = NP_AUTH_USER,
	  .docs = { .summary = "Sign out everywhere", .operation = "signOutEverywhere" } },
	{ .method = "PUT",
	  .path = "/auth/password",
	  .handle = change_password,
	  .tx = NP_TX_MANUAL,
	  .params = NP_PARAMS(&old_password, &other_password),
	  .auth = NP_AUTH_USER,
	  .success = NP_STATUS_NO_CONTENT,
	  .docs = { .summary = "Change the password; other sessions end",
	            .operation = "changePassword" } },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "auth", routes);
}
