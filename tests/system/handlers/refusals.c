/* refusals - statements that the database refuses, each for a different reason
 *
 * Its tables and functions are created by tests/system/test_refusals.py.
 */
#include "nullpool.h"

static const char division_by_zero[] = "SELECT 1 / 0 AS never";
static const char quotient[] = "SELECT 1 / $1::int AS share";
static const char new_text[] = "INSERT INTO refusal_texts (text) VALUES ($1) RETURNING 1 AS one";
static const char new_large_text[] =
    "INSERT INTO refusal_texts (text) SELECT string_agg(md5(i::text), '') FROM generate_series(1, 9999) AS i";
static const char raised_error[] = "SELECT refusal_raise($1, $2, $3)::text AS raised";
static const char row_against_policy[] =
    "INSERT INTO refusal_policies (id) VALUES (1) RETURNING id";
static const char rows_without_privilege[] = "SELECT * FROM refusal_rights";
static const char missing_value[] = "SELECT $1::text AS one, $2::text AS two";
static const char new_pair[] = "INSERT INTO refusal_pairs (a, b) VALUES ($1, $2) RETURNING a, b";
static const char deleted_parents[] = "DELETE FROM refusal_parents RETURNING 1 AS one";

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

	return np_query(ctx, &rows, division_by_zero, NP_NO_VALUES) && reply_done(ctx);
}

static bool
divide_by_value(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, quotient, NP_VALUES(np_arg(ctx, &a))) && reply_done(ctx);
}

static bool
divide_by_own_zero(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, quotient, NP_VALUES(np_int(0))) && reply_done(ctx);
}

static bool
insert_text(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(np_last(ctx), &rows, new_text, NP_VALUES(np_arg(ctx, &text)))
	       && reply_done(ctx);
}

static bool
insert_own_text(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, new_large_text, NP_NO_VALUES) && reply_done(ctx);
}

static bool
raise_as_asked(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, raised_error,
	                NP_VALUES(np_arg(ctx, &code), np_arg(ctx, &words), np_arg(ctx, &hint)))
	       && reply_done(ctx);
}

static bool
break_policy(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, row_against_policy, NP_NO_VALUES) && reply_done(ctx);
}

static bool
read_without_privilege(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, rows_without_privilege, NP_NO_VALUES) && reply_done(ctx);
}

static bool
omit_value(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, missing_value, NP_VALUES(np_text("one"))) && reply_done(ctx);
}

static bool
insert_pair(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, new_pair, NP_VALUES(np_arg(ctx, &a), np_arg(ctx, &b)))
	       && reply_done(ctx);
}

static bool
delete_parents(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, deleted_parents, NP_NO_VALUES) && reply_done(ctx);
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
	{ .method = "GET", .path = "/refusals/values", .handle = omit_value, .tx = NP_TX_READ },
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
	  .docs = { .success = NP_STATUS_OK } },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "refusals", routes);
}
