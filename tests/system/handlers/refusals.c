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

enum { CODE, WORDS, HINT };
static const struct np_param raise_fields[] = {
	[CODE] = { .name = "code",
	           .in = NP_IN_QUERY,
	           .type = NP_TYPE_STRING,
	           .default_value = "P0001" },
	[WORDS] = { .name = "words",
	            .in = NP_IN_QUERY,
	            .type = NP_TYPE_STRING,
	            .default_value = "" },
	[HINT] = { .name = "hint", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .default_value = "" },
	NP_PARAMS_END,
};

enum { A, B };
static const struct np_param pair_fields[] = {
	[A] = { .name = "a", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .default_value = "0" },
	[B] = { .name = "b", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .default_value = "0" },
	NP_PARAMS_END,
};

enum { TEXT };
static const struct np_param text_fields[] = {
	[TEXT] = { .name = "text", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .required = true },
	NP_PARAMS_END,
};

static bool
reply_done(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK, NP_MEMBERS({ "done", np_bool(true) }));
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

	return np_query(ctx, &rows, quotient, NP_VALUES(np_arg(ctx, A))) && reply_done(ctx);
}

static bool
divide_by_own_zero(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, quotient, NP_VALUES(np_int(ctx, 0))) && reply_done(ctx);
}

static bool
insert_text(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(np_last(ctx), &rows, new_text, NP_VALUES(np_arg(ctx, TEXT)))
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
	                NP_VALUES(np_arg(ctx, CODE), np_arg(ctx, WORDS), np_arg(ctx, HINT)))
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

	return np_query(ctx, &rows, new_pair, NP_VALUES(np_arg(ctx, A), np_arg(ctx, B)))
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
	{ "GET", "/refusals/divide", divide_by_zero, NP_TX_READ },
	{ "GET", "/refusals/divide-by", divide_by_value, NP_TX_READ, pair_fields },
	{ "GET", "/refusals/divide-by-own", divide_by_own_zero, NP_TX_READ },
	{ "GET", "/refusals/divide-with-parameters", divide_by_zero, NP_TX_READ, pair_fields },
	{ "POST", "/refusals/texts", insert_text, NP_TX_WRITE, text_fields },
	{ "POST", "/refusals/own-texts", insert_own_text, NP_TX_WRITE },
	{ "GET", "/refusals/raise", raise_as_asked, NP_TX_READ, raise_fields },
	{ "POST", "/refusals/raise", raise_as_asked, NP_TX_WRITE, raise_fields },
	{ "POST", "/refusals/policy", break_policy, NP_TX_WRITE },
	{ "POST", "/refusals/policy-of-caller", break_policy, NP_TX_WRITE, .auth = NP_AUTH_USER },
	{ "GET", "/refusals/right", read_without_privilege, NP_TX_READ },
	{ "GET", "/refusals/values", omit_value, NP_TX_READ },
	{ "POST", "/refusals/pairs", insert_pair, NP_TX_WRITE, pair_fields, PAIR_CONFLICTS },
	{ "DELETE", "/refusals/parents", delete_parents, NP_TX_WRITE, .success = NP_STATUS_OK },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "refusals", routes);
}
