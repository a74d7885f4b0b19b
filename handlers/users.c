/* users - create, list, read, change and soft-delete users; a row with deleted_at counts as deleted
 */
#include "quiz.h"
#include "user.h"

/* One constant statement for each order: no SQL is built from input, and each order has its index.
 */
#define USERS_PAGE(key, type, after, order)                                     \
	"SELECT " USER_COLUMNS " FROM users WHERE deleted_at IS NULL"           \
	" AND ($4::text IS NULL OR lower(email) = lower($4))"                   \
	" AND ($5::timestamptz IS NULL OR created_at >= $5)"                    \
	" AND ($2::" type " IS NULL OR (" key ", id) " after " ($2, $3::uuid))" \
	" ORDER BY " key " " order ", id " order " LIMIT $1::bigint + 1"

static const char oldest_first[] = USERS_PAGE("created_at", "timestamptz", ">", "ASC");
static const char newest_first[] = USERS_PAGE("created_at", "timestamptz", "<", "DESC");
static const char a_to_z[] = USERS_PAGE("email", "text", ">", "ASC");
static const char z_to_a[] = USERS_PAGE("email", "text", "<", "DESC");

static const char new_user[] =
    "INSERT INTO users (email, name) VALUES ($1, $2) RETURNING " USER_COLUMNS;

static const char changed_user[] =
    "UPDATE users SET email = coalesce($2, email), name = coalesce($3, name)"
    " WHERE id = $1 AND deleted_at IS NULL RETURNING " USER_COLUMNS;

static const char deleted_user[] =
    "UPDATE users SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL RETURNING id";

#define ID_FIELD .name = "id", .in = NP_IN_PATH, .type = NP_TYPE_UUID

enum { LIMIT, AFTER, SORT, WITH_EMAIL, SINCE };
static const struct np_param page[] = {
	[LIMIT] = { NP_PAGE_LIMIT },
	[AFTER] = { NP_PAGE_AFTER },
	[SORT] = { .name = "sort",
	           .in = NP_IN_QUERY,
	           .type = NP_TYPE_ENUM,
	           .choices = NP_CHOICES("created_at", "-created_at", "email", "-email"),
	           .default_value = "created_at" },
	[WITH_EMAIL] = { .name = "email", .in = NP_IN_QUERY, .type = NP_TYPE_EMAIL },
	[SINCE] = { .name = "created_since", .in = NP_IN_QUERY, .type = NP_TYPE_DATETIME },
	NP_PARAMS_END,
};

static bool
list_users(struct np_ctx *ctx)
{
	static const char *const pages[] = { oldest_first, newest_first, a_to_z, z_to_a };
	bool by_email = np_arg(ctx, SORT).integer >= 2;
	struct np_rows *users;

	return np_query(ctx, &users, pages[np_arg(ctx, SORT).integer],
	                NP_VALUES(np_arg(ctx, LIMIT), np_cursor_key(ctx, AFTER, 0),
	                          np_cursor_key(ctx, AFTER, 1), np_arg(ctx, WITH_EMAIL),
	                          np_arg(ctx, SINCE)))
	       && np_reply_page(ctx, users, np_arg(ctx, LIMIT).integer,
	                        by_email ? NP_KEYS("email", "id") : NP_KEYS("created_at", "id"));
}

enum { EMAIL, NAME, ID };
static const struct np_param new_fields[] = {
	[EMAIL] = { EMAIL_FIELD, .required = true },
	[NAME] = { NAME_FIELD, .required = true },
	NP_PARAMS_END,
};
static const struct np_param changed_fields[] = {
	[EMAIL] = { EMAIL_FIELD },
	[NAME] = { NAME_FIELD },
	[ID] = { ID_FIELD },
	NP_PARAMS_END,
};
static const struct np_param by_id[] = { { ID_FIELD }, NP_PARAMS_END };

static bool
create_user(struct np_ctx *ctx)
{
	struct np_rows *user;

	return np_query_one(np_last(ctx), &user, new_user,
	                    NP_VALUES(np_arg(ctx, EMAIL), np_arg(ctx, NAME)))
	       && np_header(ctx, "Location", "/users/%s", np_field(user, 0, "id").text)
	       && np_reply_row(ctx, NP_STATUS_CREATED, user);
}

static bool
show_user(struct np_ctx *ctx)
{
	struct np_rows *user;

	return np_query_one(ctx, &user, user_by_id, NP_VALUES(np_arg(ctx, 0)))
	       && np_reply_row(ctx, NP_STATUS_OK, user);
}

static bool
change_user(struct np_ctx *ctx)
{
	struct np_rows *user;

	if (!np_given(ctx, EMAIL) && !np_given(ctx, NAME))
		return np_fail(ctx, NP_ERROR_INVALID,
		               "Nothing to change: send email, name or both");
	return np_is_caller(ctx, np_arg(ctx, ID))
	       && np_query_one(np_last(ctx), &user, changed_user,
	                       NP_VALUES(np_arg(ctx, ID), np_arg(ctx, EMAIL), np_arg(ctx, NAME)))
	       && np_reply_row(ctx, NP_STATUS_OK, user);
}

static bool
delete_user(struct np_ctx *ctx)
{
	struct np_rows *user;

	return np_is_caller(ctx, np_arg(ctx, 0))
	       && np_query_one(np_last(ctx), &user, deleted_user, NP_VALUES(np_arg(ctx, 0)))
	       && np_reply_empty(ctx);
}

static bool
list_quiz_responses(struct np_ctx *ctx)
{
	struct np_rows *responses;

	return np_is_caller(ctx, np_arg(ctx, QUIZ_USER))
	       && np_query(ctx, &responses, quiz_page,
	                   NP_VALUES(np_arg(ctx, QUIZ_USER), np_arg(ctx, QUIZ_LIMIT),
	                             np_cursor_key(ctx, QUIZ_AFTER, 0),
	                             np_cursor_key(ctx, QUIZ_AFTER, 1)))
	       && np_reply_page(ctx, responses, np_arg(ctx, QUIZ_LIMIT).integer,
	                        NP_KEYS("created_at", "id"));
}

static const struct np_route routes[] = {
	{ "GET", "/users", list_users, NP_TX_READ, page, "Users, a page at a time",
	  .returns = &user_schema, .page = true },
	{ "POST", "/users", create_user, NP_TX_WRITE, new_fields, "A new user", EMAIL_TAKEN,
	  .returns = &user_schema },
	{ "GET", "/users/{id}", show_user, NP_TX_READ, by_id, "One user", NOT_FOUND,
	  .cache = "user:{id}", .returns = &user_schema },
	{ "PATCH", "/users/{id}", change_user, NP_TX_WRITE, changed_fields, "Change a user",
	  NOT_FOUND, EMAIL_TAKEN, .invalidates = NP_KEYS("user:{id}"), .auth = NP_AUTH_USER,
	  .returns = &user_schema },
	{ "DELETE", "/users/{id}", delete_user, NP_TX_WRITE, by_id, "Delete a user", NOT_FOUND,
	  .invalidates = NP_KEYS("user:{id}"), .auth = NP_AUTH_USER },
	{ "GET", "/users/{id}/quiz-responses", list_quiz_responses, NP_TX_READ, quiz_fields,
	  "A user's quiz responses, oldest first, a page at a time", .auth = NP_AUTH_USER,
	  .returns = &quiz_schema, .page = true },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "users", routes);
}
