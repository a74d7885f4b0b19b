/* answers - replies with np_answer() where there is no row, or several, or something comes after it
 */
#include "answers.sql.h"

static const struct np_param label = {
	.name = "label", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .required = true, .max = 100
};

/* --- not exactly one row --- */

static bool
hide_row(struct np_ctx *ctx)
{
	return np_answer(ctx, answers_hidden_row(np_arg(ctx, &label)));
}

static bool
miss_row(struct np_ctx *ctx)
{
	return np_answer(ctx, answers_missing_row(np_arg(ctx, &label)));
}

static bool
insert_and_miss_row(struct np_ctx *ctx)
{
	return np_exec(ctx, answers_row(np_arg(ctx, &label))) && miss_row(ctx);
}

static bool
insert_two(struct np_ctx *ctx)
{
	return np_answer(ctx, answers_two_rows(np_arg(ctx, &label)));
}

static bool
change_all(struct np_ctx *ctx)
{
	return np_answer(ctx, answers_changed_rows(np_arg(ctx, &label)));
}

/* --- one row --- */

static bool
insert_one(struct np_ctx *ctx)
{
	return np_answer(ctx, answers_row(np_arg(ctx, &label)));
}

static bool
insert_star(struct np_ctx *ctx)
{
	return np_answer(ctx, answers_added_row(np_arg(ctx, &label)));
}

static bool
insert_types(struct np_ctx *ctx)
{
	return np_answer(ctx, answers_own_types(np_arg(ctx, &label)));
}

static bool
insert_types_last(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, answers_row(np_text("first of two"))) && insert_types(ctx);
}

static bool
insert_after_headers(struct np_ctx *ctx)
{
	for (int i = 0; i < 16; i++)
		if (!np_header(ctx, "X-Number", "%d", i))
			return false;
	return insert_one(ctx);
}

/* --- what comes after, or in place of it --- */

static bool
insert_before_header(struct np_ctx *ctx)
{
	return insert_one(ctx) && np_header(ctx, "X-After", "yes");
}

static bool
insert_before_reply(struct np_ctx *ctx)
{
	return insert_one(ctx)
	       && np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "other", np_int(1) }));
}

static bool
insert_before_failure(struct np_ctx *ctx)
{
	return insert_one(ctx) && np_fail(ctx, NP_ERROR_INVALID, "after the answer");
}

/* Says something of its own of any failure, which hides why the statement failed. */
static bool
insert_in_other_words(struct np_ctx *ctx)
{
	return insert_one(ctx) || np_fail(ctx, NP_ERROR_INVALID, "in other words");
}

static bool
fail_in_other_words(struct np_ctx *ctx)
{
	return np_answer(ctx, answers_failing(np_int(0)))
	       || np_fail(ctx, NP_ERROR_INVALID, "in other words");
}

#define ROUTE(name, function)                                                                \
	.method = "POST", .path = "/answers/" name, .handle = (function), .tx = NP_TX_WRITE, \
	.params = NP_PARAMS(&label), .docs = { .summary = name }

static const struct np_route routes[] = {
	{ ROUTE("hidden", hide_row) },
	{ ROUTE("missing", miss_row) },
	{ ROUTE("insert-and-missing", insert_and_miss_row) },
	{ ROUTE("two", insert_two) },
	{ ROUTE("all", change_all) },
	{ ROUTE("one", insert_one), .answer = { .location = "/answers/{label}" } },
	{ ROUTE("star", insert_star), .answer = { .omit = NP_NAMES("id") } },
	{ ROUTE("star-misspelt", insert_star), .answer = { .omit = NP_NAMES("ident") } },
	{ ROUTE("types", insert_types) },
	{ ROUTE("types-last", insert_types_last) },
	{ ROUTE("headers", insert_after_headers), .answer = { .location = "/answers/{label}" } },
	{ ROUTE("before-header", insert_before_header) },
	{ ROUTE("before-reply", insert_before_reply) },
	{ ROUTE("before-failure", insert_before_failure) },
	{ ROUTE("in-other-words", insert_in_other_words) },
	{ ROUTE("failing", fail_in_other_words) },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "answers", routes);
}
