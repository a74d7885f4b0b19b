/* streams - a program of the tests: rows that leave as they come */
#include "nullpool.h"
#include "streams.sql.h"

static const struct np_param count = { .name = "count",
	                               .in = NP_IN_QUERY,
	                               .type = NP_TYPE_INT,
	                               .max = 10000000,
	                               .default_value = "3" };
static const struct np_param size = { .name = "size",
	                              .in = NP_IN_QUERY,
	                              .type = NP_TYPE_INT,
	                              .max = 20000000,
	                              .default_value = "10" };
static const struct np_param at = {
	.name = "at", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .max = 10000000, .default_value = "0"
};
static const struct np_param file = { .name = "file", .in = NP_IN_QUERY, .type = NP_TYPE_STRING };
static const struct np_param label = { .name = "label",
	                               .in = NP_IN_QUERY,
	                               .type = NP_TYPE_STRING,
	                               .max = 50,
	                               .default_value = "none" };

static bool
stream_csv(struct np_ctx *ctx)
{
	return np_stream_csv(ctx, np_arg(ctx, &file).text,
	                     many_rows(np_arg(ctx, &size), np_arg(ctx, &count)));
}

static bool
stream_lines(struct np_ctx *ctx)
{
	return np_stream_json_lines(ctx, np_arg(ctx, &file).text,
	                            many_rows(np_arg(ctx, &size), np_arg(ctx, &count)));
}

static bool
stream_until_failure(struct np_ctx *ctx)
{
	return np_stream_json_lines(
	    ctx, NULL, failing_rows(np_arg(ctx, &at), np_arg(ctx, &size), np_arg(ctx, &count)));
}

static bool
stream_growing(struct np_ctx *ctx)
{
	return np_stream_json_lines(ctx, NULL, growing_rows(np_arg(ctx, &size)));
}

static bool
stream_slowly(struct np_ctx *ctx)
{
	return np_stream_json_lines(ctx, NULL, slow_rows(np_arg(ctx, &size), np_arg(ctx, &count)));
}

static bool
stream_after_a_query(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_total())
	       && np_header(ctx, "X-Total-Count", "%s", np_field(row, 0, "total").text)
	       && np_stream_json_lines(ctx, NULL, all_labels(np_arg(ctx, &size)));
}

static bool
stream_moods(struct np_ctx *ctx)
{
	return np_stream_json_lines(ctx, NULL, moods());
}

static bool
stream_moods_after_a_query(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_total()) && np_stream_json_lines(ctx, NULL, moods());
}

static bool
stream_many_types(struct np_ctx *ctx)
{
	return np_stream_json_lines(ctx, NULL, many_types());
}

static bool
stream_tagged(struct np_ctx *ctx)
{
	return np_header(ctx, "ETag", "\"own\"") && stream_lines(ctx);
}

static bool
stream_twins(struct np_ctx *ctx)
{
	return np_stream_json_lines(ctx, NULL, twins());
}

/* --- misuse --- */

static bool
stream_and_query(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_stream_json_lines(ctx, NULL, many_rows(np_arg(ctx, &size), np_arg(ctx, &count)))
	       && np_query_one(ctx, &row, row_total());
}

static bool
stream_and_ignore(struct np_ctx *ctx)
{
	struct np_rows *row;
	bool ok = np_stream_json_lines(ctx, NULL,
	                               many_rows(np_arg(ctx, &size), np_arg(ctx, &count)));

	(void)!np_query_one(ctx, &row, row_total());
	return ok;
}

static bool
stream_and_fail(struct np_ctx *ctx)
{
	return np_stream_json_lines(ctx, NULL, many_rows(np_arg(ctx, &size), np_arg(ctx, &count)))
	       && np_fail(ctx, NP_ERROR_CONFLICT, "No");
}

static bool
stream_exec(struct np_ctx *ctx)
{
	return np_stream_csv(ctx, NULL, nothing());
}

static bool
stream_a_write(struct np_ctx *ctx)
{
	return np_stream_csv(ctx, NULL, written(np_arg(ctx, &label)));
}

static bool
replace(struct np_ctx *ctx)
{
	return np_exec(ctx, written(np_arg(ctx, &label))) && np_reply_empty(ctx);
}

#define GET(where, ...)                                                                          \
	{                                                                                        \
		.method = "GET", .path = "/streams/" where, .tx = NP_TX_READ,                    \
		.params = NP_PARAMS(&count, &size, &at, &file), .produces = "application/jsonl", \
		__VA_ARGS__                                                                      \
	}

static const struct np_route routes[] = {
	{ .method = "GET",
	  .path = "/streams/csv",
	  .handle = stream_csv,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&count, &size, &file),
	  .produces = "text/csv" },
	GET("lines", .handle = stream_lines),
	{ .method = "PUT",
	  .path = "/streams/lines",
	  .handle = replace,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label),
	  .success = NP_STATUS_NO_CONTENT },
	GET("failing", .handle = stream_until_failure),
	GET("growing", .handle = stream_growing),
	GET("slow", .handle = stream_slowly),
	GET("second", .handle = stream_after_a_query),
	GET("second/snapshot", .handle = stream_after_a_query,
	    .isolation = NP_ISOLATION_REPEATABLE_READ),
	GET("serializable", .handle = stream_lines, .isolation = NP_ISOLATION_SERIALIZABLE),
	GET("moods", .handle = stream_moods),
	GET("moods/snapshot", .handle = stream_moods_after_a_query,
	    .isolation = NP_ISOLATION_REPEATABLE_READ),
	GET("many-types", .handle = stream_many_types),
	GET("tagged", .handle = stream_tagged),
	GET("twins", .handle = stream_twins),
	GET("user", .handle = stream_lines, .auth = NP_AUTH_USER),
	GET("misuse/query", .handle = stream_and_query),
	GET("misuse/ignored", .handle = stream_and_ignore),
	GET("misuse/fail", .handle = stream_and_fail),
	GET("misuse/exec", .handle = stream_exec),
	GET("misuse/cached", .handle = stream_lines,
	    .cache = { .key = "lines:{count}:{size}:{at}:{file}" }),
	{ .method = "POST",
	  .path = "/streams/misuse/write",
	  .handle = stream_a_write,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label) },
	{ .method = "GET",
	  .path = "/streams/misuse/write",
	  .handle = stream_a_write,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&label) },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "streams", routes);
}
