/* fetches - a program of the tests: requests to other services */
#include <string.h>

#include "fetches.sql.h"
#include "nullpool.h"

static const struct np_param url = {
	.name = "url", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .required = true
};
static const struct np_param method = { .name = "method",
	                                .in = NP_IN_QUERY,
	                                .type = NP_TYPE_STRING };
static const struct np_param name = { .name = "name", .in = NP_IN_QUERY, .type = NP_TYPE_STRING };
static const struct np_param value = { .name = "value", .in = NP_IN_QUERY, .type = NP_TYPE_STRING };
static const struct np_param wanted = { .name = "wanted",
	                                .in = NP_IN_QUERY,
	                                .type = NP_TYPE_STRING };
static const struct np_param type = { .name = "type", .in = NP_IN_QUERY, .type = NP_TYPE_STRING };
static const struct np_param body = { .name = "body", .in = NP_IN_QUERY, .type = NP_TYPE_STRING };
static const struct np_param timeout = { .name = "timeout",
	                                 .in = NP_IN_QUERY,
	                                 .type = NP_TYPE_INT,
	                                 .max = 60000,
	                                 .default_value = "0" };
static const struct np_param max = { .name = "max",
	                             .in = NP_IN_QUERY,
	                             .type = NP_TYPE_INT,
	                             .max = 100000000,
	                             .default_value = "0" };
static const struct np_param label = { .name = "label",
	                               .in = NP_IN_QUERY,
	                               .type = NP_TYPE_STRING,
	                               .max = 100,
	                               .default_value = "none" };
static const struct np_param meant = {
	.name = "meant", .in = NP_IN_QUERY, .type = NP_TYPE_BOOL, .default_value = "false"
};

static bool
do_fetch(struct np_ctx *ctx, struct np_fetched *fetched)
{
	const struct np_fetch request = {
		.url = np_arg(ctx, &url).text,
		.method = np_arg(ctx, &method).text,
		.headers = np_is_null(np_arg(ctx, &name))
		               ? NULL
		               : NP_OBJECT({ np_arg(ctx, &name).text, np_arg(ctx, &value) }),
		.content_type = np_arg(ctx, &type).text,
		.body = np_bytes_of(np_arg(ctx, &body).text),
		.timeout_ms = np_arg(ctx, &timeout).integer,
		.max_bytes = np_arg(ctx, &max).integer,
		.in_transaction = np_arg(ctx, &meant).boolean,
	};

	return np_fetch(ctx, fetched, &request);
}

static bool
reply_fetched(struct np_ctx *ctx, const struct np_fetched *fetched)
{
	const char *header = np_arg(ctx, &wanted).text;

	return np_reply_object(
	    ctx, NP_STATUS_OK,
	    NP_OBJECT({ "status", np_int(fetched->status) },
	              { "type", np_text(fetched->content_type) },
	              { "size", np_int((int64_t)fetched->body.size) },
	              { "text", np_text(fetched->body.size < 1000 ? fetched->body.bytes : NULL) },
	              { "header", header ? np_fetched_header(ctx, fetched, header) : np_null() }));
}

static bool
fetch_and_show(struct np_ctx *ctx)
{
	struct np_fetched fetched;

	return do_fetch(ctx, &fetched) && reply_fetched(ctx, &fetched);
}

static bool
fetch_and_write(struct np_ctx *ctx)
{
	struct np_fetched fetched;
	struct np_rows *made;

	return do_fetch(ctx, &fetched) && np_query_one(ctx, &made, new_row(np_arg(ctx, &label)))
	       && reply_fetched(ctx, &fetched);
}

static bool
write_and_fetch(struct np_ctx *ctx)
{
	struct np_fetched fetched;
	struct np_rows *made;

	return np_query_one(ctx, &made, new_row(np_arg(ctx, &label))) && do_fetch(ctx, &fetched)
	       && reply_fetched(ctx, &fetched);
}

static bool
read_and_fetch(struct np_ctx *ctx)
{
	struct np_fetched fetched;
	struct np_rows *total;

	return np_query_one(ctx, &total, row_count()) && do_fetch(ctx, &fetched)
	       && reply_fetched(ctx, &fetched);
}

static bool
fetch_or_go_on(struct np_ctx *ctx)
{
	struct np_fetched fetched;
	bool ok = do_fetch(ctx, &fetched);

	return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "ok", np_bool(ok) }));
}

static bool
ask_who(struct np_ctx *ctx)
{
	struct np_value place = np_header_of(ctx, "x-who");
	struct np_fetched fetched;

	if (!np_fetch(ctx, &fetched,
	              &(struct np_fetch){ .url = place.text, .body = np_bytes_of("{}") }))
		return false;
	return fetched.status == 200 || np_fail(ctx, NP_ERROR_FORBIDDEN, "They say no");
}

static bool
show_paper(struct np_ctx *ctx)
{
	struct np_rows *total;

	return np_query_one(ctx, &total, row_count())
	       && np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "paper", np_text("white") }));
}

static bool
put_paper(struct np_ctx *ctx)
{
	struct np_fetched fetched;

	return do_fetch(ctx, &fetched) && np_reply_empty(ctx);
}

#define ALL                                                                                    \
	NP_PARAMS(&url, &method, &name, &value, &wanted, &type, &body, &timeout, &max, &label, \
	          &meant)

static const struct np_route routes[] = {
	{ .method = "GET",
	  .path = "/fetches",
	  .handle = fetch_and_show,
	  .fetches = true,
	  .params = ALL },
	{ .method = "GET",
	  .path = "/fetches/on",
	  .handle = fetch_or_go_on,
	  .fetches = true,
	  .params = ALL },
	{ .method = "GET",
	  .path = "/fetches/read",
	  .handle = read_and_fetch,
	  .tx = NP_TX_READ,
	  .fetches = true,
	  .params = ALL },
	{ .method = "GET",
	  .path = "/fetches/snapshot",
	  .handle = read_and_fetch,
	  .tx = NP_TX_READ,
	  .isolation = NP_ISOLATION_REPEATABLE_READ,
	  .fetches = true,
	  .params = ALL },
	{ .method = "POST",
	  .path = "/fetches/first",
	  .handle = fetch_and_write,
	  .tx = NP_TX_WRITE,
	  .fetches = true,
	  .params = ALL,
	  .success = NP_STATUS_OK },
	{ .method = "POST",
	  .path = "/fetches/once",
	  .handle = fetch_and_write,
	  .tx = NP_TX_WRITE,
	  .no_rerun = true,
	  .fetches = true,
	  .params = ALL,
	  .success = NP_STATUS_OK },
	{ .method = "POST",
	  .path = "/fetches/then",
	  .handle = write_and_fetch,
	  .tx = NP_TX_WRITE,
	  .fetches = true,
	  .params = ALL,
	  .success = NP_STATUS_OK },
	{ .method = "GET",
	  .path = "/fetches/paper",
	  .handle = show_paper,
	  .tx = NP_TX_READ,
	  .lenient = true },
	{ .method = "PUT",
	  .path = "/fetches/paper",
	  .handle = put_paper,
	  .tx = NP_TX_WRITE,
	  .no_rerun = true,
	  .fetches = true,
	  .params = ALL,
	  .success = NP_STATUS_NO_CONTENT },
	{ .method = "POST",
	  .path = "/fetches/key",
	  .handle = fetch_and_write,
	  .tx = NP_TX_WRITE,
	  .no_rerun = true,
	  .fetches = true,
	  .auth = NP_AUTH_KEY,
	  .params = ALL,
	  .success = NP_STATUS_OK },
	{ .method = "POST",
	  .path = "/fetches/user",
	  .handle = fetch_and_write,
	  .tx = NP_TX_WRITE,
	  .no_rerun = true,
	  .fetches = true,
	  .auth = NP_AUTH_USER,
	  .params = ALL,
	  .success = NP_STATUS_OK },
	{ .method = "GET", .path = "/fetches/undeclared", .handle = fetch_and_show, .params = ALL },
	{ .method = "GET",
	  .path = "/fetches/guarded",
	  .handle = fetch_or_go_on,
	  .guard = ask_who,
	  .fetches = true,
	  .tx = NP_TX_READ,
	  .params = ALL },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "fetches", routes);
}
