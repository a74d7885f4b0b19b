/* users - create, read, update, soft-delete; a row that has deleted_at is not there */
#include "nullpool.h"

#define USER_COLUMNS "id, email, name, created_at, updated_at"

static const char users_page[] =
    "SELECT " USER_COLUMNS " FROM users"
    " WHERE deleted_at IS NULL AND ($2::timestamptz IS NULL OR (created_at, id) > ($2, $3::uuid))"
    " ORDER BY created_at, id LIMIT $1::bigint + 1";

static const char user_by_id[] = "SELECT " USER_COLUMNS " FROM users WHERE id = $1 AND deleted_at IS NULL";

static const char new_user[] = "INSERT INTO users (email, name) VALUES ($1, $2) RETURNING " USER_COLUMNS;

static const char changed_user[] = "UPDATE users SET email = coalesce($2, email), name = coalesce($3, name)"
                                   " WHERE id = $1 AND deleted_at IS NULL RETURNING " USER_COLUMNS;

static const char deleted_user[] =
    "UPDATE users SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL RETURNING id";

static const char quiz_page[] = "SELECT id, answers, created_at FROM quiz_responses"
                                " WHERE user_id = $1 AND deleted_at IS NULL"
                                " AND ($3::timestamptz IS NULL OR (created_at, id) > ($3, $4::uuid))"
                                " ORDER BY created_at, id LIMIT $2::bigint + 1";

/* The same in POST, where they are required, and in PATCH, where they are not. */
#define EMAIL_FIELD .name = "email", .in = NP_BODY, .type = NP_EMAIL, .example = "ada@example.com"
#define NAME_FIELD \
	.name = "name", .in = NP_BODY, .type = NP_STRING, .min = 1, .max = 200, .example = "Ada Lovelace"

#define LIMIT_FIELD .name = "limit", .in = NP_QUERY, .type = NP_INT, .min = 1, .max = 100, .fallback = "20"
#define AFTER_FIELD .name = "after", .in = NP_QUERY, .type = NP_CURSOR, .description = "\"next\" of a page"

enum { LIMIT, AFTER };
static const struct np_param page[] = {
	[LIMIT] = { LIMIT_FIELD },
	[AFTER] = { AFTER_FIELD },
	NP_PARAMS_END,
};

static bool
list_users(struct np_ctx *ctx)
{
	struct np_rows *users;

	return np_query(
	           ctx, &users, users_page,
	           NP_VALUES(np_arg(ctx, LIMIT), np_cursor_key(ctx, AFTER, 0), np_cursor_key(ctx, AFTER, 1)))
	       && np_reply_page(ctx, users, np_arg(ctx, LIMIT).integer, NP_KEYS("created_at", "id"));
}

enum { EMAIL, NAME, CHANGED_ID };
static const struct np_param new_fields[] = {
	[EMAIL] = { EMAIL_FIELD, .required = true },
	[NAME] = { NAME_FIELD, .required = true },
	NP_PARAMS_END,
};

static bool
create_user(struct np_ctx *ctx)
{
	struct np_rows *user;

	return np_query_one(np_last(ctx), &user, new_user, NP_VALUES(np_arg(ctx, EMAIL), np_arg(ctx, NAME)))
	       && np_header(ctx, "Location", "/users/%s", np_field(user, 0, "id").text)
	       && np_reply_row(ctx, NP_CREATED, user);
}

enum { ID };
static const struct np_param by_id[] = {
	[ID] = { .name = "id", .in = NP_PATH, .type = NP_UUID },
	NP_PARAMS_END,
};

static bool
show_user(struct np_ctx *ctx)
{
	struct np_rows *user;

	return np_query_one(ctx, &user, user_by_id, NP_VALUES(np_arg(ctx, ID)))
	       && np_reply_row(ctx, NP_OK, user);
}

static const struct np_param changed_fields[] = {
	[EMAIL] = { EMAIL_FIELD },
	[NAME] = { NAME_FIELD },
	[CHANGED_ID] = { .name = "id", .in = NP_PATH, .type = NP_UUID },
	NP_PARAMS_END,
};

static bool
change_user(struct np_ctx *ctx)
{
	struct np_rows *user;

	if (!np_given(ctx, EMAIL) && !np_given(ctx, NAME))
		return np_fail(ctx, NP_INVALID, "Nothing to change: give email, name or both");
	return np_is_caller(ctx, np_arg(ctx, CHANGED_ID))
	       && np_query_one(np_last(ctx), &user, changed_user,
	                       NP_VALUES(np_arg(ctx, CHANGED_ID), np_arg(ctx, EMAIL), np_arg(ctx, NAME)))
	       && np_reply_row(ctx, NP_OK, user);
}

static bool
delete_user(struct np_ctx *ctx)
{
	struct np_rows *user;

	return np_is_caller(ctx, np_arg(ctx, ID))
	       && np_query_one(np_last(ctx), &user, deleted_user, NP_VALUES(np_arg(ctx, ID)))
	       && np_reply_empty(ctx);
}

enum { QUIZ_USER, QUIZ_LIMIT, QUIZ_AFTER };
static const struct np_param quiz_fields[] = {
	[QUIZ_USER] = { .name = "id", .in = NP_PATH, .type = NP_UUID },
	[QUIZ_LIMIT] = { LIMIT_FIELD },
	[QUIZ_AFTER] = { AFTER_FIELD },
	NP_PARAMS_END,
};

static bool
list_quiz_responses(struct np_ctx *ctx)
{
	struct np_rows *responses;

	return np_query(ctx, &responses, quiz_page,
	                NP_VALUES(np_arg(ctx, QUIZ_USER), np_arg(ctx, QUIZ_LIMIT),
	                          np_cursor_key(ctx, QUIZ_AFTER, 0), np_cursor_key(ctx, QUIZ_AFTER, 1)))
	       && np_reply_page(ctx, responses, np_arg(ctx, QUIZ_LIMIT).integer, NP_KEYS("created_at", "id"));
}

#define MISSING .missing = "User not found"
#define ONE     "user:{id}" /* the key of one user in the cache */
#define TAKEN   .conflict = "A user with this email exists already"

static const struct np_route routes[] = {
	{ "GET", "/users", list_users, NP_TX_READ, page, .summary = "Users, oldest first, a page at a time" },
	{ "POST", "/users", create_user, NP_TX_WRITE, new_fields, .summary = "A new user", TAKEN },
	{ "GET", "/users/{id}", show_user, NP_TX_READ, by_id, .summary = "One user", MISSING, .cache = ONE },
	{ "PATCH", "/users/{id}", change_user, NP_TX_WRITE, changed_fields, .summary = "Change a user",
	  MISSING, TAKEN, .forgets = NP_KEYS(ONE), .auth = NP_AUTH_USER },
	{ "DELETE", "/users/{id}", delete_user, NP_TX_WRITE, by_id, .summary = "Delete a user", MISSING,
	  .forgets = NP_KEYS(ONE), .auth = NP_AUTH_USER },
	{ "GET", "/users/{id}/quiz-responses", list_quiz_responses, NP_TX_READ, quiz_fields,
	  .auth = NP_AUTH_USER, .summary = "A user's quiz responses, oldest first, a page at a time" },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "users", routes);
}
