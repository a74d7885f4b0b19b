/* cached - inserts rows and counts them, with the count cached in Redis; some handlers still have
 * work to do after the commit */
#include "cached.sql.h"

static int64_t calls; /* how often this process ran insert() past its statement */

static const struct np_param number = { .name = "number", .in = NP_IN_PATH, .type = NP_TYPE_INT };

static bool
count(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_count(np_arg(ctx, &number)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

/* Sets a header before its statement, and has an effect of its own after it. */
static bool
insert(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_header(ctx, "X-Early", "yes")
	       && np_query_last(ctx, &row, new_row(np_arg(ctx, &number)))
	       && np_header(ctx, "X-Calls", "%lld", (long long)++calls)
	       && np_reply_row(ctx, NP_STATUS_CREATED, row);
}

static bool
insert_and_fail(struct np_ctx *ctx)
{
	return insert(ctx) && np_fail(ctx, NP_ERROR_INTERNAL, "after the commit");
}

static bool
insert_nothing(struct np_ctx *ctx)
{
	return np_answer(ctx, no_row(np_arg(ctx, &number)));
}

#define INVALIDATES .invalidates = NP_NAMES("cached:{number}")

static const struct np_route routes[] = {
	{ .method = "GET",
	  .path = "/cached/{number}",
	  .handle = count,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&number),
	  .docs = { .summary = "The number of rows" },
	  .cache = { .key = "cached:{number}" } },
	{ .method = "POST",
	  .path = "/cached/{number}",
	  .handle = insert,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&number),
	  .docs = { .summary = "Insert one" },
	  .cache = { INVALIDATES } },
	{ .method = "POST",
	  .path = "/cached/{number}/once",
	  .handle = insert,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&number),
	  .no_rerun = true,
	  .docs = { .summary = "Insert one, without a rerun" },
	  .cache = { INVALIDATES } },
	{ .method = "POST",
	  .path = "/cached/{number}/failing",
	  .handle = insert_and_fail,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&number),
	  .docs = { .summary = "Insert one, then fail" },
	  .cache = { INVALIDATES } },
	{ .method = "POST",
	  .path = "/cached/{number}/nothing",
	  .handle = insert_nothing,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&number),
	  .docs = { .summary = "Insert none" },
	  .cache = { INVALIDATES } },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "cached", routes);
}
