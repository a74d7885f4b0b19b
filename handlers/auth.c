/* auth - register, sign in, stay signed in; see README, "Sign-in" */
#include <stdlib.h>

#include "user.h"

#define REFRESH_TOKEN_EXPIRE "interval '30 days'"

static const char new_user[] =
    "WITH new_user AS (INSERT INTO users (email, name) VALUES ($1, $2) RETURNING " USER_COLUMNS "),"
    " new_credentials AS (INSERT INTO credentials (user_id, password_hash) SELECT id, $3 FROM new_user)"
    " SELECT " USER_COLUMNS " FROM new_user";

/* Counts the attempt (migration 0010), and finds what it is to be held against. Committed before
 * the password is checked: of many at once each sees those before it, and what failed stays
 * counted. One row always. */
static const char password_of[] =
    "SELECT attempt.wait_s, c.user_id, c.password_hash FROM sign_in_attempt($2, $3) AS attempt (wait_s)"
    " LEFT JOIN (users u JOIN credentials c ON c.user_id = u.id)"
    " ON lower(u.email) = lower($1) AND u.deleted_at IS NULL";
static const char password_of_caller[] =
    "SELECT attempt.wait_s, c.user_id, c.password_hash FROM sign_in_attempt($2, $3) AS attempt (wait_s)"
    " LEFT JOIN credentials c ON c.user_id = $1";

/* A few of those that expired, anybody's, so that there are never many more than are good. What
 * says of a family that it ended stays for as long as any token that was made of it may be good. */
#define SOME_GONE                                                                                   \
	" gone AS (DELETE FROM refresh_tokens t USING (SELECT token_hash FROM refresh_tokens WHERE" \
	" expires_at < now() - " REFRESH_TOKEN_EXPIRE                                               \
	" ORDER BY expires_at LIMIT 3 FOR UPDATE SKIP"                                              \
	" LOCKED) old WHERE t.token_hash = old.token_hash)"

/* A family of tokens is a session. None begins with a password that was changed while it was
 * checked: whoever changes it has the row. */
static const char new_family[] =
    "WITH" SOME_GONE
    ", known AS (SELECT user_id FROM credentials WHERE user_id = $2 AND password_hash = $3 FOR SHARE)"
    " INSERT INTO refresh_tokens (token_hash, family, user_id, expires_at)"
    " SELECT $1, gen_random_uuid(), user_id, now() + " REFRESH_TOKEN_EXPIRE
    " FROM known RETURNING user_id, family, sign_in_success($4, $5)";

/* Each is good once, and the next one takes its place. Its own mark is looked at again when it was
 * waited for; that of the others shows one that was made while the family was ended, and not seen
 * there. */
static const char next_of_family[] =
    "WITH used AS (UPDATE refresh_tokens t SET used_at = now() FROM users u WHERE t.token_hash = $1"
    " AND t.used_at IS NULL AND t.revoked_at IS NULL AND t.expires_at > now() AND u.id = t.user_id"
    " AND u.deleted_at IS NULL AND NOT EXISTS (SELECT FROM refresh_tokens f WHERE f.family = t.family"
    " AND f.revoked_at IS NOT NULL) RETURNING t.family, t.user_id)," SOME_GONE
    ", following AS (INSERT INTO refresh_tokens (token_hash, family, user_id, expires_at)"
    " SELECT $2, family, user_id, now() + " REFRESH_TOKEN_EXPIRE " FROM used)"
    " SELECT user_id, family FROM used";

/* Of one that was used before. A statement of its own, after next_of_family: it has to see who used
 * it a moment ago. */
static const char end_of_family[] =
    "UPDATE refresh_tokens SET revoked_at = now() WHERE revoked_at IS NULL AND family ="
    " (SELECT family FROM refresh_tokens WHERE token_hash = $1 AND used_at IS NOT NULL)";

/* One marked token ends its family, also what is made of it meanwhile. */
static const char ended_session[] =
    "UPDATE refresh_tokens SET revoked_at = now() WHERE family = $1 AND revoked_at IS NULL RETURNING family";
static const char ended_sessions[] =
    "UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL RETURNING family";
static const char ended_other_sessions[] =
    "UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = $1 AND family <> $2 AND revoked_at IS NULL"
    " RETURNING family";

static const char changed_password[] =
    "UPDATE credentials SET password_hash = $2 WHERE user_id = $1 AND password_hash = $3"
    " RETURNING user_id, sign_in_success($4, $5)";

/* Long enough to be worth guessing at; what is longer than this only takes our time. */
#define PASSWORD_FIELD .name = "password", .in = NP_BODY, .type = NP_STRING, .max = 200
#define NEW_PASSWORD_RULES \
	.in = NP_BODY, .type = NP_STRING, .min = 12, .max = 200, .example = "correct horse battery"

enum { EMAIL, NAME, NEW_PASSWORD };
static const struct np_param new_fields[] = {
	[EMAIL] = { EMAIL_FIELD, .required = true },
	[NAME] = { NAME_FIELD, .required = true },
	[NEW_PASSWORD] = { .name = "password", NEW_PASSWORD_RULES, .required = true },
	NP_PARAMS_END,
};

static bool
register_user(struct np_ctx *ctx)
{
	struct np_value hash = np_password_hash(ctx, np_arg(ctx, NEW_PASSWORD));
	struct np_rows *user;

	return np_query_one(np_last(ctx), &user, new_user,
	                    NP_VALUES(np_arg(ctx, EMAIL), np_arg(ctx, NAME), hash))
	       && np_header(ctx, "Location", "/users/%s", np_field(user, 0, "id").text)
	       && np_reply_row(ctx, NP_CREATED, user);
}

#define USERNAME_MAX 254

/* RFC 6749 4.3 and 6; scope and client are what OAuth2 clients send along, and mean nothing here.
 */
enum { GRANT, USERNAME, PASSWORD, REFRESH_TOKEN, SCOPE, CLIENT_ID, CLIENT_SECRET };
static const struct np_param grant_fields[] = {
	[GRANT] = { .name = "grant_type",
	            .in = NP_BODY,
	            .type = NP_ENUM,
	            .choices = NP_CHOICES("password", "refresh_token"),
	            .default_value = "password" },
	[USERNAME] = { .name = "username",
	               .in = NP_BODY,
	               .type = NP_STRING,
	               .max = USERNAME_MAX,
	               .description = "the email address" },
	[PASSWORD] = { PASSWORD_FIELD },
	[REFRESH_TOKEN] = { .name = "refresh_token", .in = NP_BODY, .type = NP_STRING, .max = 100 },
	[SCOPE] = { .name = "scope", .in = NP_BODY, .type = NP_STRING },
	[CLIENT_ID] = { .name = "client_id", .in = NP_BODY, .type = NP_STRING },
	[CLIENT_SECRET] = { .name = "client_secret", .in = NP_BODY, .type = NP_STRING },
	NP_PARAMS_END,
};

static const struct np_param token_members[] = {
	{ .name = "access_token", .type = NP_STRING },
	{ .name = "token_type", .type = NP_ENUM, .choices = NP_CHOICES("bearer") },
	{ .name = "expires_in", .type = NP_INT, .description = "seconds" },
	{ .name = "refresh_token", .type = NP_STRING },
	NP_PARAMS_END,
};
static const struct np_schema token_schema = { "Token", token_members };

static bool
reply_tokens(struct np_ctx *ctx, const struct np_rows *made, struct np_value refresh_token)
{
	struct np_value user = np_field(made, 0, "user_id"), session = np_field(made, 0, "family");

	return np_commit(ctx) && np_header(ctx, "Cache-Control", "no-store")
	       && np_reply_object(
	           ctx, NP_OK,
	           NP_MEMBERS({ "access_token", np_access_token(ctx, user, session) },
	                      { "token_type", np_text("bearer") },
	                      { "expires_in", np_int(ctx, np_access_token_s(ctx)) },
	                      { "refresh_token", refresh_token }));
}

/* Somebody who says that they know a password. */
struct attempt {
	struct np_value account, network; /* as they are counted */
	struct np_value user, hash;       /* NULL: there is nobody, or no password */
};

/* What is not ASCII is no address, and names nobody: SQL's lower() makes a k of the Kelvin sign
 * too, so that one account could be counted as several. */
static struct np_value
address_of(struct np_value username)
{
	for (const char *at = username.text; *at; at++)
		if ((unsigned char)*at > '~')
			return np_text(NULL);
	return username;
}

/* As SQL's lower() of an address. */
static struct np_value
account_of(struct np_ctx *ctx, struct np_value address)
{
	char text[USERNAME_MAX + 1];
	size_t size = 0;

	if (!address.text)
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

/* False: there were too many before it. */
static bool
take_attempt(struct np_ctx *ctx, const struct np_rows *found, struct attempt *attempt)
{
	long long wait_s = strtoll(np_field(found, 0, "wait_s").text, NULL, 10);

	attempt->user = np_field(found, 0, "user_id");
	attempt->hash = np_field(found, 0, "password_hash");
	if (!np_commit(ctx))
		return false;
	return wait_s == 0
	       || np_fail(np_retry_after(ctx, wait_s), NP_TOO_MANY,
	                  "Too many attempts: the next one is possible in %lld s", wait_s);
}

static bool
refuse_password(struct np_ctx *ctx)
{
	return np_fail(ctx, NP_UNAUTHORIZED, "Wrong email address or password");
}

static bool
sign_in(struct np_ctx *ctx)
{
	struct np_value address = address_of(np_arg(ctx, USERNAME));
	struct attempt attempt = new_attempt(ctx, account_of(ctx, address));
	struct np_value token = np_random_token(ctx);
	struct np_rows *found, *made;

	if (!np_query_one(ctx, &found, password_of,
	                  NP_VALUES(address, attempt.account, attempt.network))
	    || !take_attempt(ctx, found, &attempt))
		return false;
	/* Also where there is nobody: it takes as long. */
	if (!np_password_verify(attempt.hash, np_arg(ctx, PASSWORD)))
		return refuse_password(ctx);
	if (!np_query(ctx, &made, new_family,
	              NP_VALUES(np_token_hash(ctx, token), attempt.user, attempt.hash,
	                        attempt.account, attempt.network)))
		return false;
	return np_rows_count(made) == 1 ? reply_tokens(ctx, made, token) : refuse_password(ctx);
}

static bool
stay_signed_in(struct np_ctx *ctx)
{
	struct np_value token = np_random_token(ctx),
	                hash = np_token_hash(ctx, np_arg(ctx, REFRESH_TOKEN));
	struct np_rows *used, *ended;

	if (!np_query(ctx, &used, next_of_family, NP_VALUES(hash, np_token_hash(ctx, token))))
		return false;
	if (np_rows_count(used) == 1)
		return reply_tokens(ctx, used, token);
	/* A family that was ended just now has to stay so. */
	return np_query(ctx, &ended, end_of_family, NP_VALUES(hash)) && np_commit(ctx)
	       && np_fail(ctx, NP_UNAUTHORIZED, "The refresh token is invalid or expired");
}

static bool
give_token(struct np_ctx *ctx)
{
	bool refresh = np_arg(ctx, GRANT).text[0] == 'r';

	if (refresh ? !np_given(ctx, REFRESH_TOKEN)
	            : !np_given(ctx, USERNAME) || !np_given(ctx, PASSWORD))
		return np_fail(ctx, NP_INVALID, "Give username and password, or refresh_token");
	return refresh ? stay_signed_in(ctx) : sign_in(ctx);
}

static bool
show_me(struct np_ctx *ctx)
{
	struct np_rows *user;

	return np_query_one(ctx, &user, user_by_id, NP_VALUES(np_caller(ctx)))
	       && np_reply_row(ctx, NP_OK, user);
}

/* --- the end of sessions, and another password --- */

static bool
sign_out(struct np_ctx *ctx)
{
	struct np_rows *ended;

	return np_query(np_last(ctx), &ended, ended_session, NP_VALUES(np_caller_session(ctx)))
	       && np_reply_empty(ctx);
}

static bool
sign_out_everywhere(struct np_ctx *ctx)
{
	struct np_rows *ended;

	return np_query(np_last(ctx), &ended, ended_sessions, NP_VALUES(np_caller(ctx)))
	       && np_reply_empty(ctx);
}

enum { OLD_PASSWORD, OTHER_PASSWORD };
static const struct np_param password_fields[] = {
	[OLD_PASSWORD] = { PASSWORD_FIELD, .required = true, .description = "the one until now" },
	[OTHER_PASSWORD] = { .name = "new_password", NEW_PASSWORD_RULES, .required = true },
	NP_PARAMS_END,
};

static bool
refuse_change(struct np_ctx *ctx)
{
	return np_fail(ctx, NP_FORBIDDEN, "Wrong password");
}

/* Sessions are ended by a statement of its own: while the row of the password was waited for, a
 * sign-in may have made one more. */
static bool
replace_password(struct np_ctx *ctx, const struct attempt *attempt)
{
	struct np_value new_hash = np_password_hash(ctx, np_arg(ctx, OTHER_PASSWORD));
	struct np_rows *changed, *ended;

	if (!np_query(ctx, &changed, changed_password,
	              NP_VALUES(np_caller(ctx), new_hash, attempt->hash, attempt->account,
	                        attempt->network)))
		return false;
	if (np_rows_count(changed) == 0)
		return refuse_change(ctx);
	return np_query(ctx, &ended, ended_other_sessions,
	                NP_VALUES(np_caller(ctx), np_caller_session(ctx)))
	       && np_commit(ctx) && np_reply_empty(ctx);
}

static bool
change_password(struct np_ctx *ctx)
{
	struct attempt attempt = new_attempt(
	    ctx, np_keyed_hash(ctx, "change of password", np_caller(ctx)));
	struct np_rows *found;

	if (!np_query_one(ctx, &found, password_of_caller,
	                  NP_VALUES(np_caller(ctx), attempt.account, attempt.network))
	    || !take_attempt(ctx, found, &attempt))
		return false;
	return np_password_verify(attempt.hash, np_arg(ctx, OLD_PASSWORD))
	           ? replace_password(ctx, &attempt)
	           : refuse_change(ctx);
}

static const struct np_route routes[] = {
	{ "POST", "/auth/register", register_user, NP_TX_WRITE, new_fields,
	  .summary = "A new user with a password", TAKEN, .returns = &user_schema,
	  .operation = "register" },
	{ "POST", "/auth/token", give_token, NP_TX_MANUAL, grant_fields, .form = true,
	  .errors = NP_ERRORS_OAUTH2, .lenient = true,
	  .unauthorized = "Wrong email address or password, or no refresh token that is good",
	  .summary = "An access token for a password or a refresh token", .returns = &token_schema,
	  .operation = "createToken" },
	{ "GET", "/auth/me", show_me, NP_TX_READ, .auth = NP_AUTH_USER,
	  .summary = "Whose token it is", .returns = &user_schema,
	  .not_found = "This user is not there any more", .operation = "getMe" },
	{ "DELETE", "/auth/session", sign_out, NP_TX_WRITE, .auth = NP_AUTH_USER,
	  .summary = "Sign out", .operation = "signOut" },
	{ "DELETE", "/auth/sessions", sign_out_everywhere, NP_TX_WRITE, .auth = NP_AUTH_USER,
	  .summary = "Sign out everywhere", .operation = "signOutEverywhere" },
	{ "PUT", "/auth/password", change_password, NP_TX_MANUAL, password_fields,
	  .auth = NP_AUTH_USER, .summary = "Another password; other sessions end",
	  .success = NP_NO_CONTENT, .operation = "changePassword" },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "auth", routes);
}
