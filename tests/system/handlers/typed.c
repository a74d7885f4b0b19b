/* typed - rows of a table whose column changes its type while connections stay open, for
 * tests/system/test_prepared.py */
#include "nullpool.h"

static const char new_row[] = "INSERT INTO typed_rows (value) VALUES ($1) RETURNING value::text";

static const char row_count[] = "SELECT count(*) AS count FROM typed_rows WHERE value = $1";

enum { VALUE };
static const struct np_param a_value[] = {
	[VALUE] = { .name = "value", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .required = true },
	NP_PARAMS_END,
};

static bool
count(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_count, NP_VALUES(np_arg(ctx, VALUE)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
insert(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, new_row, NP_VALUES(np_arg(ctx, VALUE)))
	       && np_reply_row(ctx, NP_STATUS_CREATED, row);
}

static bool
insert_last(struct np_ctx *ctx)
{
	return insert(np_last(ctx));
}

/* Inserts in its second statement, so that a refusal comes in the middle of a transaction. */
static bool
insert_second(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, "SELECT 1", NP_NO_VALUES) && insert(ctx);
}

static bool
insert_and_commit(struct np_ctx *ctx)
{
	return insert_second(ctx) && np_commit(ctx);
}

static const struct np_route routes[] = {
	{ "GET", "/typed", count, NP_TX_READ, a_value, "The number of rows with a value" },
	{ "POST", "/typed", insert, NP_TX_WRITE, a_value, "Insert one" },
	{ "POST", "/typed/last", insert_last, NP_TX_WRITE, a_value, "Insert one, with its commit" },
	{ "POST", "/typed/second", insert_second, NP_TX_WRITE, a_value,
	  "Insert one, after another statement" },
	{ "POST", "/typed/once", insert_second, NP_TX_WRITE, a_value, "The same, without a rerun",
	  .no_rerun = true },
	{ "POST", "/typed/manual", insert_and_commit, NP_TX_MANUAL, a_value,
	  "The same, with a commit of its own", .success = NP_STATUS_CREATED },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "typed", routes);
}
