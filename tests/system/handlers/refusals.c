/* refusals - statements that the database refuses, each for a different reason
 *
 * Its tables and functions are created by tests/system/test_refusals.py.
 */
#include "refusals.sql.h"

static const struct np_param code = {
	.name = "code", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .default_value = "P0001"
};
static const struct np_param words = {
	.name = "words", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .default_value = ""
};
static const struct np_param hint = {
	.name = "hint", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .default_value = ""
};

static const struct np_param a = {
	.name = "a", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .default_value = "0"
};
static const struct np_param b = {
	.name = "b", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .default_value = "0"
};

static const struct np_param text = {
	.name = "text", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .required = true
};

static bool
reply_done(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "done", np_bool(true) }));
}

static bool
divide_by_zero(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, division_by_zero()) && reply_done(ctx);
}

static bool
divide_by_value(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, quotient(np_arg(ctx, &a))) && reply_done(ctx);
}

static bool
divide_by_own_zero(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, quotient(np_int(0))) && reply_done(ctx);
}

static bool
insert_text(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query_last(ctx, &rows, new_text(np_arg(ctx, &text))) && reply_done(ctx);
}

static bool
insert_own_text(struct np_ctx *ctx)
{
	return np_exec(ctx, new_large_text()) && reply_done(ctx);
}

static bool
raise_as_asked(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows,
	                raised_error(np_arg(ctx, &code), np_arg(ctx, &words), np_arg(ctx, &hint)))
	       && reply_done(ctx);
}

static bool
break_policy(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, row_against_policy()) && reply_done(ctx);
}

static bool
read_without_privilege(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, rows_without_privilege()) && reply_done(ctx);
}

static bool
insert_pair(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, new_pair(np_arg(ctx, &a), np_arg(ctx, &b))) && reply_done(ctx);
}

static bool
delete_parents(struct np_ctx *ctx)
{
	return np_exec(ctx, deleted_parents()) && reply_done(ctx);
}

#define PAIR_CONFLICTS                                                      \
	.conflict = "This pair is taken",                                   \
	.conflicts = NP_CONFLICTS({ "refusal_pairs_a", "This a is taken" }, \
	                          { "refusal_pairs_small", "a and b must be small" })

static const struct np_route routes[] = {
	{ .method = "GET", .path = "/refusals/divide", .handle = divide_by_zero, .tx = NP_TX_READ },
	{ .method = "GET",
	  .path = "/refusals/divide-by",
	  .handle = divide_by_value,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&a, &b) },
	{ .method = "GET",
	  .path = "/refusals/divide-by-own",
	  .handle = divide_by_own_zero,
	  .tx = NP_TX_READ },
	{ .method = "GET",
	  .path = "/refusals/divide-with-parameters",
	  .handle = divide_by_zero,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&a, &b) },
	{ .method = "POST",
	  .path = "/refusals/texts",
	  .handle = insert_text,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&text) },
	{ .method = "POST",
	  .path = "/refusals/own-texts",
	  .handle = insert_own_text,
	  .tx = NP_TX_WRITE },
	{ .method = "GET",
	  .path = "/refusals/raise",
	  .handle = raise_as_asked,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&code, &words, &hint) },
	{ .method = "POST",
	  .path = "/refusals/raise",
	  .handle = raise_as_asked,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&code, &words, &hint) },
	{ .method = "POST", .path = "/refusals/policy", .handle = break_policy, .tx = NP_TX_WRITE },
	{ .method = "POST",
	  .path = "/refusals/policy-of-caller",
	  .handle = break_policy,
	  .tx = NP_TX_WRITE,
	  .auth = NP_AUTH_USER },
	{ .method = "GET",
	  .path = "/refusals/right",
	  .handle = read_without_privilege,
	  .tx = NP_TX_READ },
	{ .method = "POST",
	  .path = "/refusals/pairs",
	  .handle = insert_pair,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&a, &b),
	  .errors = { PAIR_CONFLICTS } },
	{ .method = "DELETE",
	  .path = "/refusals/parents",
	  .handle = delete_parents,
	  .tx = NP_TX_WRITE,
	  .success = NP_STATUS_OK },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "refusals", routes);
}
