/* batches - a program of the tests: several statements in one round trip, and one that may be
 * refused */
#include "batches.sql.h"
#include "nullpool.h"

#define LABEL .type = NP_TYPE_STRING, .required = true, .max = 100

static const struct np_param label = { .name = "label", .in = NP_IN_BODY, LABEL };
static const struct np_param other = {
	.name = "other", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .max = 100
};
static const struct np_param code = {
	.name = "code", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .max = 5, .default_value = "P0001"
};
static const struct np_param wanted = { .name = "label", .in = NP_IN_QUERY, LABEL };
static const struct np_param by = {
	.name = "by", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .default_value = "2"
};
static const struct np_param count = {
	.name = "count", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .max = 10, .default_value = "8"
};
static const struct np_param row_label = { .name = "label", .in = NP_IN_BODY, LABEL };
static const struct np_param rows = { .name = "rows",
	                              .in = NP_IN_BODY,
	                              .type = NP_TYPE_OBJECT,
	                              .required = true,
	                              .max_items = 10000,
	                              .members = NP_PARAMS(&row_label) };

/* --- several --- */

static bool
read_three(struct np_ctx *ctx)
{
	struct np_rows *total, *like, *own;

	return np_queries(ctx, NP_QUERIES({ &total, row_count() },
	                                  { &like, rows_like(np_text("batch-%")) },
	                                  { &own, one_row(np_arg(ctx, &wanted)) }))
	       && np_reply_object(ctx, NP_STATUS_OK,
	                          NP_OBJECT({ "total", np_field(total, 0, "total") },
	                                    { "like", np_int((int64_t)np_rows_count(like)) },
	                                    { "own", np_field(own, 0, "label") }));
}

static bool
write_three(struct np_ctx *ctx)
{
	struct np_rows *made, *total;

	return np_queries(ctx, NP_QUERIES({ &made, new_row(np_arg(ctx, &label)) },
	                                  { NULL, add_row(np_arg(ctx, &other)) },
	                                  { &total, row_count() }))
	       && np_reply_object(ctx, NP_STATUS_CREATED,
	                          NP_OBJECT({ "label", np_field(made, 0, "label") },
	                                    { "total", np_field(total, 0, "total") }));
}

static bool
read_many(struct np_ctx *ctx)
{
	struct np_rows *made[10];
	struct np_query items[10];
	struct np_value numbers[10];
	struct np_queries queries = { items, (size_t)np_arg(ctx, &count).integer };
	int64_t sum = 0;

	for (size_t i = 0; i < 10; i++) {
		numbers[i] = np_int((int64_t)i);
		items[i] = (struct np_query){ &made[i], { NP_STATEMENT(number), &numbers[i], 1 } };
	}
	if (!np_queries(ctx, &queries))
		return false;
	for (size_t i = 0; i < queries.count; i++)
		sum += np_field(made[i], 0, "n").integer;
	return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "sum", np_int(sum) }));
}

static bool
read_moods(struct np_ctx *ctx)
{
	struct np_rows *a, *b, *total;

	return np_queries(ctx,
	                  NP_QUERIES({ &a, moods() }, { &total, row_count() }, { &b, moods() }))
	       && np_reply_object(
	           ctx, NP_STATUS_OK,
	           NP_OBJECT({ "a", np_field(a, 0, "moods") }, { "b", np_field(b, 0, "moods") }));
}

static bool
add_many(struct np_ctx *ctx)
{
	return np_answer(ctx, add_rows(np_arg(ctx, &rows)));
}

static bool
want_rows_of_exec(struct np_ctx *ctx)
{
	struct np_rows *none;

	return np_queries(ctx, NP_QUERIES({ &none, add_row(np_arg(ctx, &label)) }))
	       && np_reply_empty(ctx);
}

/* --- one that may be refused --- */

static bool
reply_refusal(struct np_ctx *ctx, const struct np_refusal *refusal)
{
	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_OBJECT({ "refused", np_bool(refusal->refused) },
	                                 { "error", np_int(refusal->error) },
	                                 { "status", np_int(refusal->status) },
	                                 { "constraint", np_text(refusal->constraint) },
	                                 { "message", np_text(refusal->message) }));
}

/* Writes, tries, and writes again. */
static bool
try_between(struct np_ctx *ctx)
{
	struct np_refusal refusal;
	struct np_rows *made;

	return np_exec(ctx, add_row(np_arg(ctx, &other)))
	       && np_try(ctx, &made, &refusal, new_row(np_arg(ctx, &label)))
	       && np_exec(ctx,
	                  add_row(np_text(np_printf(ctx, "%s-after", np_arg(ctx, &other).text))))
	       && reply_refusal(ctx, &refusal);
}

static bool
try_first(struct np_ctx *ctx)
{
	struct np_refusal refusal;
	struct np_rows *made;

	if (!np_try(ctx, &made, &refusal, new_row(np_arg(ctx, &label))))
		return false;
	if (refusal.refused)
		return np_exec(ctx, add_row(np_arg(ctx, &other))) && reply_refusal(ctx, &refusal);
	return reply_refusal(ctx, &refusal);
}

static bool
try_raise(struct np_ctx *ctx)
{
	struct np_refusal refusal;
	struct np_rows *none;

	return np_exec(ctx, add_row(np_arg(ctx, &label)))
	       && np_try(ctx, &none, &refusal, raised(np_arg(ctx, &code)))
	       && reply_refusal(ctx, &refusal);
}

static bool
try_division(struct np_ctx *ctx)
{
	struct np_refusal refusal;
	struct np_rows *part, *total;

	return np_try(ctx, &part, &refusal, divided(np_arg(ctx, &by)))
	       && np_query_one(ctx, &total, row_count()) && reply_refusal(ctx, &refusal);
}

static bool
try_twice_and_fail(struct np_ctx *ctx)
{
	struct np_refusal refusal;
	struct np_rows *made;

	return np_try(ctx, &made, &refusal, new_row(np_arg(ctx, &label)))
	       && np_try(ctx, &made, &refusal, new_row(np_arg(ctx, &label)))
	       && np_fail(ctx, NP_ERROR_CONFLICT, "refused: %d", refusal.refused);
}

static bool
try_and_commit(struct np_ctx *ctx)
{
	struct np_refusal refusal;
	struct np_rows *made;

	return np_try(ctx, &made, &refusal, new_row(np_arg(ctx, &label))) && np_commit(ctx)
	       && np_try(ctx, &made, &refusal, new_row(np_arg(ctx, &label)))
	       && np_exec(ctx, add_row(np_arg(ctx, &other))) && np_commit(ctx)
	       && reply_refusal(ctx, &refusal);
}

static bool
try_cast(struct np_ctx *ctx)
{
	struct np_refusal refusal;
	struct np_rows *none;

	return np_exec(ctx, add_row(np_arg(ctx, &label)))
	       && np_try(ctx, &none, &refusal, cast_of(np_arg(ctx, &other)))
	       && np_exec(ctx,
	                  add_row(np_text(np_printf(ctx, "%s-after", np_arg(ctx, &label).text))))
	       && reply_refusal(ctx, &refusal);
}

static bool
try_cast_and_commit(struct np_ctx *ctx)
{
	return try_cast(ctx) && np_commit(ctx);
}

static bool
try_our_own_cast(struct np_ctx *ctx)
{
	struct np_refusal refusal;
	struct np_rows *none;

	return np_try(ctx, &none, &refusal, cast_of(np_text("none")))
	       && reply_refusal(ctx, &refusal);
}

static bool
add_twice(struct np_ctx *ctx)
{
	const char *sent = np_arg(ctx, &label).text;
	struct np_value one = np_text(np_printf(ctx, "%s-1", sent)),
	                two = np_text(np_printf(ctx, "%s-2", sent)),
	                three = np_text(np_printf(ctx, "%s-3", sent)),
	                four = np_text(np_printf(ctx, "%s-4", sent));

	return np_queries(ctx, NP_QUERIES({ NULL, add_row(one) }, { NULL, add_row(two) }))
	       && np_queries(ctx, NP_QUERIES({ NULL, touched(one) }, { NULL, touched(two) },
	                                     { NULL, add_row(three) }, { NULL, add_row(four) }))
	       && np_reply_empty(ctx);
}

static bool
touch(struct np_ctx *ctx)
{
	return np_queries(ctx, NP_QUERIES({ NULL, touched(np_arg(ctx, &label)) }))
	       && np_reply_empty(ctx);
}

static bool
sleep_thrice(struct np_ctx *ctx)
{
	return np_queries(ctx,
	                  NP_QUERIES({ NULL, slept(np_float(1.5)) }, { NULL, slept(np_float(1.5)) },
	                             { NULL, slept(np_float(1.5)) }))
	       && np_reply_object(ctx, NP_STATUS_OK, NULL);
}

#define POST(where, mode, handler)                                                            \
	{                                                                                     \
		.method = "POST", .path = "/batches/" where, .handle = handler, .tx = (mode), \
		.params = NP_PARAMS(&label, &other, &code), .success = NP_STATUS_OK           \
	}
#define GET(where, handler, ...)                                                                 \
	{                                                                                        \
		.method = "GET", .path = "/batches/" where, .handle = handler, .tx = NP_TX_READ, \
		__VA_ARGS__                                                                      \
	}

static const struct np_route routes[] = {
	GET("three", read_three, .params = NP_PARAMS(&wanted)),
	GET("three/snapshot", read_three, .params = NP_PARAMS(&wanted),
	    .isolation = NP_ISOLATION_REPEATABLE_READ),
	GET("many", read_many, .params = NP_PARAMS(&count)),
	GET("moods", read_moods, .lenient = true),
	GET("division", try_division, .params = NP_PARAMS(&by)),
	GET("division/snapshot", try_division, .params = NP_PARAMS(&by),
	    .isolation = NP_ISOLATION_REPEATABLE_READ),
	{ .method = "POST",
	  .path = "/batches/three",
	  .handle = write_three,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label, &other) },
	POST("exec", NP_TX_WRITE, want_rows_of_exec),
	POST("try", NP_TX_WRITE, try_between),
	POST("try/first", NP_TX_WRITE, try_first),
	POST("try/raise", NP_TX_WRITE, try_raise),
	POST("cast", NP_TX_WRITE, try_cast),
	POST("cast/manual", NP_TX_MANUAL, try_cast_and_commit),
	{ .method = "POST",
	  .path = "/batches/cast/once",
	  .handle = try_cast,
	  .tx = NP_TX_WRITE,
	  .no_rerun = true,
	  .params = NP_PARAMS(&label, &other),
	  .success = NP_STATUS_OK },
	{ .method = "POST",
	  .path = "/batches/twice",
	  .handle = add_twice,
	  .tx = NP_TX_WRITE,
	  .no_rerun = true,
	  .params = NP_PARAMS(&label),
	  .success = NP_STATUS_NO_CONTENT },
	{ .method = "POST",
	  .path = "/batches/touch",
	  .handle = touch,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label),
	  .success = NP_STATUS_NO_CONTENT },
	GET("cast", try_our_own_cast, .lenient = true),
	GET("slept", sleep_thrice, .lenient = true),
	POST("try/fail", NP_TX_WRITE, try_twice_and_fail),
	POST("try/manual", NP_TX_MANUAL, try_and_commit),
	{ .method = "POST",
	  .path = "/batches/rows",
	  .handle = add_many,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&rows),
	  .success = NP_STATUS_NO_CONTENT },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "batches", routes);
}
