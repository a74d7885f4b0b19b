/* papers - routes of every kind that change rows under preconditions
 *
 * Its table, paper_rows, is created by tests/system/test_preconditions.py.
 */
#include "papers.sql.h"

static const struct np_param id = { .name = "id", .in = NP_IN_PATH, .type = NP_TYPE_INT };
#define BY_ID NP_PARAMS(&id)
static const struct np_param title = {
	.name = "title", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .required = true, .max = 100
};
#define WITH_TITLE NP_PARAMS(&id, &title)
static const struct np_param part = {
	.name = "part", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .required = true
};
#define WITH_QUERY NP_PARAMS(&id, &part)

static bool
show(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, paper(np_arg(ctx, &id)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

/* The commit must not travel with this statement when a precondition runs it. */
static bool
show_marked(struct np_ctx *ctx)
{
	return np_answer(ctx, paper(np_arg(ctx, &id)));
}

static bool
show_forbidden(struct np_ctx *ctx)
{
	return np_fail(ctx, NP_ERROR_FORBIDDEN, "Nobody reads it");
}

static bool
show_constant(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "constant", np_bool(true) }));
}

static bool
show_with_own_tag(struct np_ctx *ctx)
{
	return np_header(ctx, "Cache-Control", "max-age=60") && np_header(ctx, "ETag", "W/\"own\"")
	       && show(ctx);
}

static bool
show_caller(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "caller", np_caller(ctx) }));
}

static bool
write_row(struct np_ctx *ctx, struct np_call call, enum np_status status)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, call) && np_reply_row(ctx, status, row);
}

static bool
create(struct np_ctx *ctx)
{
	return np_answer(ctx, new_paper(np_arg(ctx, &id), np_arg(ctx, &title)));
}

static bool
put(struct np_ctx *ctx)
{
	return np_answer(ctx, put_paper(np_arg(ctx, &id), np_arg(ctx, &title)));
}

static bool
change(struct np_ctx *ctx)
{
	return np_answer(ctx, changed_paper(np_arg(ctx, &title), np_arg(ctx, &id)));
}

/* Leaves time for another request between the comparison and the write. */
static bool
change_slowly(struct np_ctx *ctx)
{
	return np_exec(ctx, nap()) && change(ctx);
}

static bool
create_slowly(struct np_ctx *ctx)
{
	return np_exec(ctx, nap()) && create(ctx);
}

static bool
change_and_commit(struct np_ctx *ctx)
{
	return np_exec(ctx, nap())
	       && write_row(ctx, changed_paper(np_arg(ctx, &title), np_arg(ctx, &id)), NP_STATUS_OK)
	       && np_commit(ctx);
}

static bool
delete_row(struct np_ctx *ctx)
{
	return np_answer(ctx, deleted_paper(np_arg(ctx, &id)));
}

#define GET(suffix, handler, mode, parameters, ...)                                            \
	{                                                                                      \
		.method = "GET", .path = "/papers/{id}" suffix, .handle = handler, .tx = mode, \
		.params = parameters, .docs = { .summary = "A paper" },                        \
		.errors = { .not_found = "No such paper" }, __VA_ARGS__                        \
	}
#define PATCH(suffix, handler, mode, ...)                                                        \
	{                                                                                        \
		.method = "PATCH", .path = "/papers/{id}" suffix, .handle = handler, .tx = mode, \
		.params = WITH_TITLE, .errors = { .not_found = "No such paper" }, __VA_ARGS__    \
	}

static const struct np_route routes[] = {
	GET("", show, NP_TX_READ, BY_ID, .no_rerun = false),
	PATCH("", change, NP_TX_WRITE, .docs = { .summary = "Change" }),
	{ .method = "PUT",
	  .path = "/papers/{id}",
	  .handle = put,
	  .tx = NP_TX_WRITE,
	  .params = WITH_TITLE },
	{ .method = "POST",
	  .path = "/papers/{id}",
	  .handle = create,
	  .tx = NP_TX_WRITE,
	  .params = WITH_TITLE },
	{ .method = "DELETE",
	  .path = "/papers/{id}",
	  .handle = delete_row,
	  .tx = NP_TX_WRITE,
	  .params = BY_ID,
	  .errors = { .not_found = "No such paper" } },
	GET("/slowly", show_marked, NP_TX_READ, BY_ID, .isolation = NP_ISOLATION_REPEATABLE_READ),
	PATCH("/slowly", change_slowly, NP_TX_WRITE, .docs = { .summary = "Change" }),
	{ .method = "POST",
	  .path = "/papers/{id}/slowly",
	  .handle = create_slowly,
	  .tx = NP_TX_WRITE,
	  .params = WITH_TITLE },
	GET("/serializable", show, NP_TX_READ, BY_ID, .no_rerun = false),
	PATCH("/serializable", change_slowly, NP_TX_WRITE, .isolation = NP_ISOLATION_SERIALIZABLE),
	GET("/once", show, NP_TX_READ, BY_ID, .no_rerun = false),
	PATCH("/once", change_slowly, NP_TX_WRITE, .no_rerun = true),
	GET("/manual", show, NP_TX_READ, BY_ID, .no_rerun = false),
	PATCH("/manual", change_and_commit, NP_TX_MANUAL, .docs = { .summary = "Change" }),
	GET("/guarded", show, NP_TX_READ, BY_ID, .no_rerun = false),
	PATCH("/guarded", change, NP_TX_WRITE, .precondition = true),
	GET("/cached", show, NP_TX_READ, BY_ID, .cache = { .key = "paper:{id}" }),
	PATCH("/cached", change, NP_TX_WRITE, .docs = { .summary = "Invalidates nothing" }),
	GET("/forbidden", show_forbidden, NP_TX_READ, BY_ID, .no_rerun = false),
	PATCH("/forbidden", change, NP_TX_WRITE, .docs = { .summary = "Change" }),
	GET("/constant", show_constant, NP_TX_NONE, BY_ID, .no_rerun = false),
	PATCH("/constant", change, NP_TX_WRITE, .docs = { .summary = "Change" }),
	{ .method = "POST",
	  .path = "/papers/{id}/constant",
	  .handle = put,
	  .tx = NP_TX_WRITE,
	  .params = WITH_TITLE,
	  .success = NP_STATUS_OK },
	GET("/own-tag", show_with_own_tag, NP_TX_READ, BY_ID, .no_rerun = false),
	PATCH("/own-tag", change, NP_TX_WRITE, .docs = { .summary = "Change" }),
	GET("/queried", show, NP_TX_READ, WITH_QUERY, .no_rerun = false),
	PATCH("/queried", change, NP_TX_WRITE, .docs = { .summary = "Change" }),
	GET("/signed-in", show_caller, NP_TX_READ, BY_ID, .auth = NP_AUTH_USER),
	PATCH("/signed-in", change, NP_TX_WRITE, .auth = NP_AUTH_USER),
	GET("/half-signed-in", show_caller, NP_TX_READ, BY_ID, .auth = NP_AUTH_USER),
	PATCH("/half-signed-in", change, NP_TX_WRITE, .docs = { .summary = "Change" }),
	PATCH("/no-get", change, NP_TX_WRITE, .docs = { .summary = "Change" }),
	{ .method = "POST",
	  .path = "/papers/{id}/none",
	  .handle = show_constant,
	  .tx = NP_TX_NONE,
	  .params = BY_ID },
	GET("/none", show_constant, NP_TX_NONE, BY_ID, .no_rerun = false),
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "papers", routes);
}
