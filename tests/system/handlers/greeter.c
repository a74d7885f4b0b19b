/* greeter - a program whose parameter, schema and statements are in lib/, for
 * tests/system/test_helpers.py */
#include "lib/greeting.h"

#include "lib/greeting.sql.h"

static const struct np_param number = {
	.name = "number", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .max = 1000
};

static bool
greet_briefly(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, greeting_of(np_text(text_is_digit('x') ? "x" : "nobody")))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static const struct np_route routes[] = {
	{ .method = "GET",
	  .path = "/greeter",
	  .handle = reply_greeting,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&greeted_name, &number),
	  .returns = &greeting_schema,
	  .docs = { .summary = "A greeting" } },
	{ .method = "GET",
	  .path = "/greeter/brief",
	  .handle = greet_briefly,
	  .tx = NP_TX_READ,
	  .returns = &greeting_schema,
	  .docs = { .summary = "A greeting of one digit" } },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "greeter", routes);
}
