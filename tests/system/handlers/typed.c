/* typed - rows of a table whose column changes its type while connections stay open, for
 * tests/system/test_prepared.py */
#include "typed.sql.h"

static const struct np_param value = {
	.name = "value", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .required = true
};

static bool
count(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_count(np_arg(ctx, &value)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
insert(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, new_row(np_arg(ctx, &value)))
	       && np_reply_row(ctx, NP_STATUS_CREATED, row);
}

static bool
insert_last(struct np_ctx *ctx)
{
	return np_answer(ctx, new_row(np_arg(ctx, &value)));
}

/* Inserts in its second statement, so that a refusal comes in the middle of a transaction. */
static bool
insert_second(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, another_statement()) && insert(ctx);
}

static bool
insert_and_commit(struct np_ctx *ctx)
{
	return insert_second(ctx) && np_commit(ctx);
}

static const struct np_route routes[] = {
	{ .method = "GET",
	  .path = "/typed",
	  .handle = count,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&value),
	  .docs = { .summary = "The number of rows with a value" } },
	{ .method = "POST",
	  .path = "/typed",
	  .handle = insert,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&value),
	  .docs = { .summary = "Insert one" } },
	{ .method = "POST",
	  .path = "/typed/last",
	  .handle = insert_last,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&value),
	  .docs = { .summary = "Insert one, with its commit" } },
	{ .method = "POST",
	  .path = "/typed/second",
	  .handle = insert_second,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&value),
	  .docs = { .summary = "Insert one, after another statement" } },
	{ .method = "POST",
	  .path = "/typed/once",
	  .handle = insert_second,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&value),
	  .no_rerun = true,
	  .docs = { .summary = "The same, without a rerun" } },
	{ .method = "POST",
	  .path = "/typed/manual",
	  .handle = insert_and_commit,
	  .tx = NP_TX_MANUAL,
	  .params = NP_PARAMS(&value),
	  .success = NP_STATUS_CREATED,
	  .docs = { .summary = "The same, with a commit of its own" } },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "typed", routes);
}
