/* papers - routes of every kind that change rows under preconditions
 *
 * Its table, paper_rows, is created by tests/system/test_preconditions.py.
 */
#include "nullpool.h"

static const char paper[] = "SELECT id, title FROM paper_rows WHERE id = $1";

static const char new_paper[] =
    "INSERT INTO paper_rows (id, title) VALUES ($1, $2) RETURNING id, title";

static const char put_paper[] =
    "INSERT INTO paper_rows (id, title) VALUES ($1, $2)"
    " ON CONFLICT (id) DO UPDATE SET title = excluded.title RETURNING id, title";

static const char changed_paper[] =
    "UPDATE paper_rows SET title = $2 WHERE id = $1 RETURNING id, title";

static const char deleted_paper[] = "DELETE FROM paper_rows WHERE id = $1 RETURNING id";

static const char nap[] = "SELECT pg_sleep(0.1)";

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

	return np_query_one(ctx, &row, paper, NP_VALUES(np_arg(ctx, &id)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

/* The commit must not travel with this statement when a precondition runs it. */
static bool
show_marked(struct np_ctx *ctx)
{
	return show(np_last(ctx));
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
write_row(struct np_ctx *ctx, const char *sql, enum np_status status)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, sql, NP_VALUES(np_arg(ctx, &id), np_arg(ctx, &title)))
	       && np_reply_row(ctx, status, row);
}

static bool
create(struct np_ctx *ctx)
{
	return write_row(np_last(ctx), new_paper, NP_STATUS_CREATED);
}

static bool
put(struct np_ctx *ctx)
{
	return write_row(np_last(ctx), put_paper, NP_STATUS_OK);
}

static bool
change(struct np_ctx *ctx)
{
	return write_row(np_last(ctx), changed_paper, NP_STATUS_OK);
}

/* Leaves time for another request between the comparison and the write. */
static bool
change_slowly(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query(ctx, &row, nap, NP_NO_VALUES) && change(ctx);
}

static bool
create_slowly(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query(ctx, &row, nap, NP_NO_VALUES) && create(ctx);
}

static bool
change_and_commit(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query(ctx, &row, nap, NP_NO_VALUES) && write_row(ctx, changed_paper, NP_STATUS_OK)
	       && np_commit(ctx);
}

static bool
delete_row(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(np_last(ctx), &row, deleted_paper, NP_VALUES(np_arg(ctx, &id)))
	       && np_reply_empty(ctx);
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
	  .docs = { .success = NP_STATUS_OK } },
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
