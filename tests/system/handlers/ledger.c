/* ledger - inserts numbered rows in all the ways in which a write may commit
 *
 * Its table, ledger_rows, is created by tests/torture/ground.py and has no unique constraint: only
 * the code keeps a row from being inserted twice.
 */
#include "nullpool.h"

static const char new_row[] = "INSERT INTO ledger_rows (number) VALUES ($1) RETURNING number";

static const char row_count[] = "SELECT count(*) AS count FROM ledger_rows WHERE number = $1";

enum { NUMBER };
static const struct np_param a_number[] = {
	[NUMBER] = { .name = "number",
	             .in = NP_IN_QUERY,
	             .type = NP_TYPE_INT,
	             .required = true,
	             .min = 1,
	             .max = INT64_MAX },
	NP_PARAMS_END,
};
static const struct np_param by_number[] = {
	[NUMBER] = { .name = "number", .in = NP_IN_PATH, .type = NP_TYPE_INT },
	NP_PARAMS_END,
};

static bool
insert(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, new_row, NP_VALUES(np_arg(ctx, NUMBER)))
	       && np_reply_row(ctx, NP_STATUS_CREATED, row);
}

static bool
insert_last(struct np_ctx *ctx)
{
	return insert(np_last(ctx));
}

static bool
count(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_count, NP_VALUES(np_arg(ctx, NUMBER)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
count_and_insert(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_count, NP_VALUES(np_arg(ctx, NUMBER)))
	       && insert_last(ctx);
}

static const struct np_route routes[] = {
	{ "GET", "/ledger/{number}", count, NP_TX_READ, by_number, "The number of rows" },
	{ "GET", "/ledger/{number}/cached", count, NP_TX_READ, by_number,
	  "The same, cached in Redis", .cache = "ledger:{number}" },
	{ "POST", "/ledger", insert_last, NP_TX_WRITE, a_number, "One statement, with its commit" },
	{ "POST", "/ledger/plain", insert, NP_TX_WRITE, a_number,
	  "The commit comes after the handler" },
	{ "POST", "/ledger/two", count_and_insert, NP_TX_WRITE, a_number, "Two statements" },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "ledger", routes);
}
