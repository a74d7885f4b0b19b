/* ledger - inserts numbered rows in all the ways in which a write may commit
 *
 * Its table, ledger_rows, is created by tests/torture/ground.py and has no unique constraint: only
 * the code keeps a row from being inserted twice.
 */
#include "ledger.sql.h"

static const struct np_param number_in_query = { .name = "number",
	                                         .in = NP_IN_QUERY,
	                                         .type = NP_TYPE_INT,
	                                         .required = true,
	                                         .min = 1,
	                                         .max = INT64_MAX };
static const struct np_param number_in_path = { .name = "number",
	                                        .in = NP_IN_PATH,
	                                        .type = NP_TYPE_INT };

static bool
insert(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, new_row(np_arg(ctx, &number_in_query)))
	       && np_reply_row(ctx, NP_STATUS_CREATED, row);
}

static bool
insert_last(struct np_ctx *ctx)
{
	return np_answer(ctx, new_row(np_arg(ctx, &number_in_query)));
}

static bool
count(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_count(np_arg(ctx, &number_in_path)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
count_and_insert(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_count(np_arg(ctx, &number_in_query)))
	       && insert_last(ctx);
}

static const struct np_route routes[] = {
	{ .method = "GET",
	  .path = "/ledger/{number}",
	  .handle = count,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&number_in_path),
	  .docs = { .summary = "The number of rows" } },
	{ .method = "GET",
	  .path = "/ledger/{number}/cached",
	  .handle = count,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&number_in_path),
	  .docs = { .summary = "The same, cached in Redis" },
	  .cache = { .key = "ledger:{number}" } },
	{ .method = "POST",
	  .path = "/ledger",
	  .handle = insert_last,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&number_in_query),
	  .docs = { .summary = "One statement, with its commit" } },
	{ .method = "POST",
	  .path = "/ledger/plain",
	  .handle = insert,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&number_in_query),
	  .docs = { .summary = "The commit comes after the handler" } },
	{ .method = "POST",
	  .path = "/ledger/two",
	  .handle = count_and_insert,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&number_in_query),
	  .docs = { .summary = "Two statements" } },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "ledger", routes);
}
