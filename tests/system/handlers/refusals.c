/* refusals - statements that the database refuses, each for a reason of its own
 *
 * Its tables and functions are made by tests/system/test_refusals.py.
 */
#include "nullpool.h"

static const char divide[] = "SELECT 1 / 0 AS never";
static const char divide_by[] = "SELECT 1 / $1::int AS share";
static const char limit_of_index[] =
    "INSERT INTO refusal_texts (text) VALUES ($1) RETURNING 1 AS one";
static const char limit_of_ours[] =
    "INSERT INTO refusal_texts (text) SELECT string_agg(md5(i::text), '') FROM generate_series(1, 9999) AS i";
static const char raise[] = "SELECT refusal_raise($1, $2, $3)::text AS raised";
static const char policy[] = "INSERT INTO refusal_policies (id) VALUES (1) RETURNING id";
static const char right[] = "SELECT * FROM refusal_rights";
static const char values_missing[] = "SELECT $1::text AS one, $2::text AS two";
static const char new_pair[] = "INSERT INTO refusal_pairs (a, b) VALUES ($1, $2) RETURNING a, b";
static const char end_of_parent[] = "DELETE FROM refusal_parents RETURNING 1 AS one";

enum { CODE, WORDS, HINT };
static const struct np_param of_raise[] = {
	[CODE] = { .name = "code", .in = NP_QUERY, .type = NP_STRING, .default_value = "P0001" },
	[WORDS] = { .name = "words", .in = NP_QUERY, .type = NP_STRING, .default_value = "" },
	[HINT] = { .name = "hint", .in = NP_QUERY, .type = NP_STRING, .default_value = "" },
	NP_PARAMS_END,
};

enum { A, B };
static const struct np_param of_pair[] = {
	[A] = { .name = "a", .in = NP_QUERY, .type = NP_INT, .default_value = "0" },
	[B] = { .name = "b", .in = NP_QUERY, .type = NP_INT, .default_value = "0" },
	NP_PARAMS_END,
};

enum { TEXT };
static const struct np_param of_text[] = {
	[TEXT] = { .name = "text", .in = NP_BODY, .type = NP_STRING, .required = true },
	NP_PARAMS_END,
};

static bool
done(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_OK, NP_MEMBERS({ "done", np_bool(true) }));
}

static bool
divide_by_nothing(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, divide, NP_NO_VALUES) && done(ctx);
}

static bool
divide_by_value(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, divide_by, NP_VALUES(np_arg(ctx, A))) && done(ctx);
}

static bool
divide_by_own_zero(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, divide_by, NP_VALUES(np_int(ctx, 0))) && done(ctx);
}

static bool
insert_text(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(np_last(ctx), &rows, limit_of_index, NP_VALUES(np_arg(ctx, TEXT)))
	       && done(ctx);
}

static bool
insert_own_text(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, limit_of_ours, NP_NO_VALUES) && done(ctx);
}

static bool
raise_as_asked(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, raise,
	                NP_VALUES(np_arg(ctx, CODE), np_arg(ctx, WORDS), np_arg(ctx, HINT)))
	       && done(ctx);
}

static bool
break_policy(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, policy, NP_NO_VALUES) && done(ctx);
}

static bool
read_without_right(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, right, NP_NO_VALUES) && done(ctx);
}

static bool
forget_values(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, values_missing, NP_VALUES(np_text("one"))) && done(ctx);
}

static bool
insert_pair(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, new_pair, NP_VALUES(np_arg(ctx, A), np_arg(ctx, B)))
	       && done(ctx);
}

static bool
end_parent(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, end_of_parent, NP_NO_VALUES) && done(ctx);
}

#define PAIR_CONFLICTS                                                      \
	.conflict = "This pair is taken",                                   \
	.conflicts = NP_CONFLICTS({ "refusal_pairs_a", "This a is taken" }, \
	                          { "refusal_pairs_small", "a and b must be small" })

static const struct np_route routes[] = {
	{ "GET", "/refusals/divide", divide_by_nothing, NP_TX_READ },
	{ "GET", "/refusals/divide-by", divide_by_value, NP_TX_READ, of_pair },
	{ "GET", "/refusals/divide-by-own", divide_by_own_zero, NP_TX_READ },
	{ "GET", "/refusals/divide-with-parameters", divide_by_nothing, NP_TX_READ, of_pair },
	{ "POST", "/refusals/texts", insert_text, NP_TX_WRITE, of_text },
	{ "POST", "/refusals/own-texts", insert_own_text, NP_TX_WRITE },
	{ "GET", "/refusals/raise", raise_as_asked, NP_TX_READ, of_raise },
	{ "POST", "/refusals/raise", raise_as_asked, NP_TX_WRITE, of_raise },
	{ "POST", "/refusals/policy", break_policy, NP_TX_WRITE },
	{ "POST", "/refusals/policy-of-caller", break_policy, NP_TX_WRITE, .auth = NP_AUTH_USER },
	{ "GET", "/refusals/right", read_without_right, NP_TX_READ },
	{ "GET", "/refusals/values", forget_values, NP_TX_READ },
	{ "POST", "/refusals/pairs", insert_pair, NP_TX_WRITE, of_pair, PAIR_CONFLICTS },
	{ "DELETE", "/refusals/parents", end_parent, NP_TX_WRITE, .success = NP_OK },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "refusals", routes);
}
