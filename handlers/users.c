/* users - create, list, read, change and soft-delete users; a row with deleted_at counts as deleted
 */
#include "quiz.h"
#include "user.h"
#include "users.sql.h"

static const struct np_param limit = { NP_PAGE_LIMIT };
static const struct np_param after = { NP_PAGE_AFTER };
static const struct np_param sort = { .name = "sort",
	                              .in = NP_IN_QUERY,
	                              .type = NP_TYPE_ENUM,
	                              .choices = NP_NAMES("created_at", "-created_at", "email",
	                                                  "-email"),
	                              .default_value = "created_at" };
static const struct np_param with_email = { .name = "email",
	                                    .in = NP_IN_QUERY,
	                                    .type = NP_TYPE_EMAIL };
static const struct np_param since = { .name = "created_since",
	                               .in = NP_IN_QUERY,
	                               .type = NP_TYPE_DATETIME };

static bool
list_users(struct np_ctx *ctx)
{
	static const struct np_statement *const pages[] = {
		NP_STATEMENT(oldest_first),
		NP_STATEMENT(newest_first),
		NP_STATEMENT(a_to_z),
		NP_STATEMENT(z_to_a),
	};
	bool by_email = np_arg(ctx, &sort).integer >= 2;
	struct np_rows *users;

	return np_query(ctx, &users,
	                NP_CALL_ONE_OF(pages[np_arg(ctx, &sort).integer], np_arg(ctx, &with_email),
	                               np_arg(ctx, &since), np_cursor_key(ctx, &after, 0),
	                               np_cursor_key(ctx, &after, 1), np_arg(ctx, &limit)))
	       && np_reply_page(ctx, users, np_arg(ctx, &limit).integer,
	                        by_email ? NP_NAMES("email", "id") : NP_NAMES("created_at", "id"));
}

static bool
create_user(struct np_ctx *ctx)
{
	return np_answer(ctx, new_user(np_arg(ctx, &email), np_arg(ctx, &name)));
}

static bool
show_user(struct np_ctx *ctx)
{
	return np_answer(ctx, user_by_id(np_arg(ctx, &id)));
}

static bool
change_user(struct np_ctx *ctx)
{
	return np_require_caller(ctx, np_arg(ctx, &id))
	       && np_answer(
	           ctx, changed_user(np_arg(ctx, &email), np_arg(ctx, &name), np_arg(ctx, &id)));
}

static bool
delete_user(struct np_ctx *ctx)
{
	return np_require_caller(ctx, np_arg(ctx, &id))
	       && np_answer(ctx, deleted_user(np_arg(ctx, &id)));
}

static bool
list_quiz_responses(struct np_ctx *ctx)
{
	struct np_rows *responses;

	return np_require_caller(ctx, np_arg(ctx, &id))
	       && np_query(ctx, &responses,
	                   quiz_page(np_arg(ctx, &id), np_cursor_key(ctx, &after, 0),
	                             np_cursor_key(ctx, &after, 1), np_arg(ctx, &limit)))
	       && np_reply_page(ctx, responses, np_arg(ctx, &limit).integer,
	                        NP_NAMES("created_at", "id"));
}

static const struct np_route routes[] = {
	{ .method = "GET",
	  .path = "/users",
	  .handle = list_users,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&limit, &after, &sort, &with_email, &since),
	  .returns = &user_schema,
	  .page = true,
	  .docs = { .summary = "Users, a page at a time" } },
	{ .method = "POST",
	  .path = "/users",
	  .handle = create_user,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&email, &name),
	  .returns = &user_schema,
	  .answer = { .location = "/users/{id}" },
	  .docs = { .summary = "A new user" },
	  .errors = { EMAIL_TAKEN } },
	{ .method = "GET",
	  .path = "/users/{id}",
	  .handle = show_user,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&id),
	  .returns = &user_schema,
	  .docs = { .summary = "One user" },
	  .errors = { NOT_FOUND },
	  .cache = { .key = "user:{id}" } },
	{ .method = "PATCH",
	  .path = "/users/{id}",
	  .handle = change_user,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&id, &email, &name),
	  .partial = true,
	  .auth = NP_AUTH_USER,
	  .returns = &user_schema,
	  .docs = { .summary = "Change a user" },
	  .errors = { NOT_FOUND, EMAIL_TAKEN },
	  .cache = { .invalidates = NP_NAMES("user:{id}") } },
	{ .method = "DELETE",
	  .path = "/users/{id}",
	  .handle = delete_user,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&id),
	  .auth = NP_AUTH_USER,
	  .docs = { .summary = "Delete a user" },
	  .errors = { NOT_FOUND },
	  .cache = { .invalidates = NP_NAMES("user:{id}") } },
	{ .method = "GET",
	  .path = "/users/{id}/quiz-responses",
	  .handle = list_quiz_responses,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&id, &limit, &after),
	  .auth = NP_AUTH_USER,
	  .returns = &quiz_schema,
	  .page = true,
	  .docs = { .summary = "A user's quiz responses, oldest first, a page at a time" } },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "users", routes);
}
