/* replies - a program of the tests: each kind of reply, as a user would make it */
#include <stdio.h>
#include <string.h>

#include "nullpool.h"
#include "replies.sql.h"

static const struct np_param count = {
	.name = "count", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .max = 100000, .default_value = "2"
};
static const struct np_param values = {
	.name = "v", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .max_items = 64
};
static const struct np_param text = { .name = "text", .in = NP_IN_QUERY, .type = NP_TYPE_STRING };
static const struct np_param file = { .name = "file", .in = NP_IN_QUERY, .type = NP_TYPE_STRING };
static const struct np_param label = {
	.name = "label", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .required = true, .max = 50
};
static const struct np_param status = {
	.name = "status", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .default_value = "409"
};
static const struct np_param session = {
	.name = "session", .in = NP_IN_COOKIE, .type = NP_TYPE_STRING, .min = 3, .max = 20
};
static const struct np_param visits = {
	.name = "visits", .in = NP_IN_COOKIE, .type = NP_TYPE_INT, .required = true
};

/* --- JSON --- */

static bool
show_json(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, report())
	       && np_reply_json(ctx, NP_STATUS_OK, np_field(row, 0, "report"));
}

static bool
show_text_json(struct np_ctx *ctx)
{
	struct np_value sent = np_arg(ctx, &text);

	return np_reply_json(ctx, NP_STATUS_ACCEPTED, np_is_null(sent) ? sent : np_json(sent.text));
}

static bool
show_nested(struct np_ctx *ctx)
{
	struct np_value inner = np_json_object(
	    ctx, NP_OBJECT({ "text", np_arg(ctx, &text) },
	                   { "list", np_json_list(ctx, NP_VALUES(np_int(1), np_null(),
	                                                         np_bool(true), np_text("x"))) },
	                   { "none", np_json_list(ctx, NULL) }));

	return np_reply_object(
	    ctx, NP_STATUS_OK,
	    NP_OBJECT({ "inner", inner }, { "empty", np_json_object(ctx, NULL) }));
}

static bool
show_rows(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, some_rows(np_arg(ctx, &count)))
	       && np_reply_rows(ctx, NP_STATUS_OK, rows, NP_NAMES("secret", "doc"));
}

static bool
show_row(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, some_rows(np_int(3)))
	       && np_reply_row_without(ctx, NP_STATUS_OK, rows, NP_NAMES("secret", "n"));
}

/* --- other media types --- */

static bool
show_csv(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, some_rows(np_arg(ctx, &count)))
	       && np_reply_csv(ctx, rows, np_arg(ctx, &file).text);
}

static bool
show_cells(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, cells(np_arg(ctx, &values))) && np_reply_csv(ctx, rows, NULL);
}

static bool
show_page(struct np_ctx *ctx)
{
	return np_header(ctx, "Content-Security-Policy", "default-src 'self'")
	       && np_reply_text(ctx, NP_STATUS_OK, "text/html; charset=utf-8",
	                        "<!doctype html><p>Grüße</p>\n");
}

static bool
show_plain(struct np_ctx *ctx)
{
	const char *sent = np_arg(ctx, &text).text;

	return np_reply_text(ctx, NP_STATUS_OK, "text/plain; charset=utf-8", sent ? sent : "");
}

static bool
show_bytes(struct np_ctx *ctx)
{
	static const unsigned char bytes[] = { 0x89, 'P', 'N', 'G', 0, 0xff, '\r', '\n', 0 };

	return np_reply_bytes(ctx, NP_STATUS_OK, "image/png", np_arg(ctx, &file).text,
	                      (struct np_bytes){ bytes, sizeof(bytes) });
}

static bool
keep_and_show_bytes(struct np_ctx *ctx)
{
	return np_exec(ctx, add_row(np_arg(ctx, &label))) && show_bytes(ctx);
}

/* The last reply is the one that is sent. */
static bool
show_the_last(struct np_ctx *ctx)
{
	return np_header(ctx, "X-Kept", "1") && show_bytes(ctx)
	       && np_reply_redirect(ctx, NP_STATUS_FOUND, "/x")
	       && np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "last", np_bool(true) }));
}

/* --- redirects --- */

static bool
redirect(struct np_ctx *ctx)
{
	const char *sent = np_arg(ctx, &text).text;

	return np_exec(ctx, add_row(np_arg(ctx, &label)))
	       && np_reply_redirect(ctx, NP_STATUS_SEE_OTHER, sent ? sent : "/replies/json");
}

static bool
redirect_to_row(struct np_ctx *ctx)
{
	return np_answer(ctx, new_row(np_arg(ctx, &label)));
}

static bool
move(struct np_ctx *ctx)
{
	return np_reply_redirect(ctx, NP_STATUS_PERMANENT_REDIRECT, "https://example.com/new?x=1");
}

/* --- failures --- */

static bool
fail_after_a_write(struct np_ctx *ctx)
{
	return np_exec(ctx, add_row(np_arg(ctx, &label)))
	       && np_fail_json(ctx, (int)np_arg(ctx, &status).integer,
	                       np_json_object(ctx, NP_OBJECT({ "balance", np_int(-3) })));
}

static bool
fail_early(struct np_ctx *ctx)
{
	return np_fail_json(ctx, 402, np_json("{\"balance\":-3}"));
}

/* The specification of RealWorld has errors of this form. */
static struct np_value
as_realworld(struct np_ctx *ctx, const struct np_failure *failure)
{
	struct np_member members[32];
	size_t used = 0;

	for (; used < failure->faults_count && used < 32; used++)
		members[used] = (struct np_member){
			failure->faults[used].name,
			np_json_list(ctx, NP_VALUES(np_text(failure->faults[used].message))),
		};
	if (used == 0)
		members[used++] = (struct np_member){
			"body", np_json_list(ctx, NP_VALUES(np_text(failure->detail)))
		};
	return np_json_object(
	    ctx, NP_OBJECT({ "errors", np_json_object(ctx, &(struct np_object){ members, used }) },
	                   { "status", np_int(failure->status) },
	                   { "id", np_text(failure->request_id) }));
}

static struct np_value
as_nonsense(struct np_ctx *ctx, const struct np_failure *failure)
{
	(void)ctx;
	(void)failure;
	return np_json("{");
}

static bool
fail_plainly(struct np_ctx *ctx)
{
	return np_fail(ctx, NP_ERROR_CONFLICT, "It is \"taken\"");
}

static bool
divide(struct np_ctx *ctx)
{
	return np_fail(ctx, NP_ERROR_INTERNAL, "a secret of the program");
}

/* --- cookies --- */

static bool
show_cookies(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_OBJECT({ "session", np_arg(ctx, &session) },
	                                 { "visits", np_arg(ctx, &visits) },
	                                 { "given", np_bool(np_given(ctx, &session)) }));
}

static bool
set_cookies(struct np_ctx *ctx)
{
	const char *value = np_arg(ctx, &text).text;

	return np_set_cookie(ctx, &(struct np_cookie){ .name = "__Host-session",
	                                               .value = value ? value : "abc" })
	       && np_set_cookie(ctx, &(struct np_cookie){ .name = "theme",
	                                                  .value = "dark",
	                                                  .max_age_s = 3600,
	                                                  .path = "/replies",
	                                                  .domain = "example.com",
	                                                  .same_site = NP_SAME_SITE_STRICT,
	                                                  .script_may_read = true,
	                                                  .over_http = true })
	       && np_set_cookie(ctx, &(struct np_cookie){ .name = "old",
	                                                  .value = "",
	                                                  .max_age_s = -1,
	                                                  .same_site = NP_SAME_SITE_NONE })
	       && np_reply_empty(ctx);
}

static bool
check_session(struct np_ctx *ctx)
{
	const char *sent = np_cookie_of(ctx, "session").text;

	return (sent && strcmp(sent, "right") == 0)
	       || np_fail(ctx, NP_ERROR_UNAUTHORIZED, "Sign in");
}

static bool
show_nothing(struct np_ctx *ctx)
{
	return np_reply_empty(ctx);
}

/* --- misuse --- */

static bool
misuse(struct np_ctx *ctx)
{
	const char *what = np_arg(ctx, &text).text;
	struct np_rows *rows;

	switch (what ? what[0] : '\0') {
	case 'j':
		return np_reply_json(ctx, NP_STATUS_OK, np_json("{"));
	case 'm':
		return np_reply_text(ctx, NP_STATUS_OK, "text", "x");
	case 'n':
		if (what[1] == 'a')
			return np_is_null(np_cookie_of(ctx, "a;b")) && np_reply_empty(ctx);
		return np_reply_text(ctx, NP_STATUS_OK, "text/plain\r\nX: y", "x");
	case 'r':
		return np_reply_redirect(ctx, NP_STATUS_OK, "/");
	case 'l':
		return np_reply_redirect(ctx, NP_STATUS_FOUND, "/a\r\nSet-Cookie: a=b");
	case 'c':
		return np_set_cookie(ctx, &(struct np_cookie){ .name = "a", .value = "b; Path=/" })
		       && np_reply_empty(ctx);
	case 'h':
		return np_set_cookie(ctx, &(struct np_cookie){ .name = "__Host-a",
		                                               .value = "b",
		                                               .over_http = true })
		       && np_reply_empty(ctx);
	case 's':
		return np_fail_json(ctx, 200, np_json("{}"));
	case 'o':
		return np_query(ctx, &rows, some_rows(np_int(1)))
		       && np_reply_rows(ctx, NP_STATUS_OK, rows, NP_NAMES("no_such_column"));
	case 'x':
		return np_reply_object(
		    ctx, NP_STATUS_OK,
		    NP_OBJECT({ "a", np_json_list(ctx, NP_VALUES(np_json("nope"))) }));
	case 't':
		return np_header(ctx, "Content-Type", "text/html")
		       && np_reply_text(ctx, NP_STATUS_OK, "text/plain", "x");
	case 'v':
		return np_query(ctx, &rows, some_rows(np_int(1)))
		       && np_reply_rows(ctx, NP_STATUS_OK, rows, NP_NAMES(NULL));
	case 'p':
		return np_header(ctx, "Content-Security-Policy", "a")
		       && np_header(ctx, "content-security-policy", "b") && np_reply_empty(ctx);
	case 'd':
		return np_header(ctx, "Location", "/a")
		       && np_reply_redirect(ctx, NP_STATUS_FOUND, "/b");
	case 'e':
		return np_reply_text(ctx, NP_STATUS_FOUND, "text/plain", "");
	case 'q':
		return np_reply_empty(ctx) && !np_reply_text(ctx, NP_STATUS_OK, "no type", "");
	default:
		return np_reply_empty(ctx);
	}
}

static bool
show_null(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, one_null()) && np_reply_csv(ctx, rows, NULL);
}

static bool
redirect_nowhere(struct np_ctx *ctx)
{
	return np_answer(ctx, row_without_place(np_arg(ctx, &label)));
}

static bool
miss(struct np_ctx *ctx)
{
	return np_fail_json(ctx, 404, np_json("{}"));
}

static const struct np_param n = { .name = "n", .type = NP_TYPE_INT };
static const struct np_param third = { .name = "third", .type = NP_TYPE_JSON };
static const struct np_param even = { .name = "even", .type = NP_TYPE_BOOL };
static const struct np_param row_label = { .name = "label",
	                                   .type = NP_TYPE_STRING,
	                                   .nullable = true };
static const struct np_param nothing = { .name = "nothing",
	                                 .type = NP_TYPE_STRING,
	                                 .nullable = true };
static const struct np_param list = { .name = "list", .type = NP_TYPE_INT, .max_items = 2 };
static const struct np_schema some_row = {
	.name = "SomeRow", .members = NP_PARAMS(&n, &row_label, &third, &even, &nothing, &list)
};

#define GET(where, handler, ...)                                                           \
	{                                                                                  \
		.method = "GET", .path = "/replies/" where, .handle = handler, __VA_ARGS__ \
	}
#define POST(where, handler, ...)                                                           \
	{                                                                                   \
		.method = "POST", .path = "/replies/" where, .handle = handler, __VA_ARGS__ \
	}

static bool
show_placed(struct np_ctx *ctx)
{
	return np_header(ctx, "Location", "/replies/json")
	       && np_set_cookie(
	           ctx, &(struct np_cookie){ .name = "place", .value = "1", .path = "/replies" })
	       && np_reply_json(ctx, NP_STATUS_OK, np_text(np_api_prefix(ctx)));
}

static const struct np_route routes[] = {
	GET("json", show_json, .tx = NP_TX_READ),
	GET("json/text", show_text_json, .params = NP_PARAMS(&text)),
	GET("json/nested", show_nested, .params = NP_PARAMS(&text)),
	GET("rows", show_rows, .tx = NP_TX_READ, .params = NP_PARAMS(&count), .returns = &some_row,
	    .list = true),
	GET("row", show_row, .tx = NP_TX_READ),
	GET("csv", show_csv, .tx = NP_TX_READ, .params = NP_PARAMS(&count, &file),
	    .produces = "text/csv"),
	GET("csv/null", show_null, .tx = NP_TX_READ, .produces = "text/csv"),
	GET("csv/cells", show_cells, .tx = NP_TX_READ, .params = NP_PARAMS(&values),
	    .produces = "text/csv"),
	GET("page", show_page, .produces = "text/html"),
	GET("plain", show_plain, .params = NP_PARAMS(&text), .produces = "text/plain"),
	GET("plain/cached", show_plain, .tx = NP_TX_READ, .params = NP_PARAMS(&text),
	    .produces = "text/plain", .cache = { .key = "plain:{text}" }),
	GET("bytes", show_bytes, .params = NP_PARAMS(&file), .produces = "image/png"),
	POST("bytes/kept", keep_and_show_bytes, .tx = NP_TX_WRITE,
	     .params = NP_PARAMS(&label, &file), .produces = "image/png", .success = NP_STATUS_OK),
	POST("redirect", redirect, .tx = NP_TX_WRITE, .params = NP_PARAMS(&label, &text),
	     .success = NP_STATUS_SEE_OTHER),
	POST("redirect/answer", redirect_to_row, .tx = NP_TX_WRITE, .params = NP_PARAMS(&label),
	     .success = NP_STATUS_SEE_OTHER, .answer = { .location = "/replies/rows/{label}" }),
	GET("last", show_the_last, .params = NP_PARAMS(&file)),
	POST("redirect/nowhere", redirect_nowhere, .tx = NP_TX_WRITE, .params = NP_PARAMS(&label),
	     .success = NP_STATUS_SEE_OTHER, .answer = { .location = "/replies/{place}" }),
	GET("moved", move, .success = NP_STATUS_PERMANENT_REDIRECT),
	POST("fail", fail_after_a_write, .tx = NP_TX_WRITE, .params = NP_PARAMS(&label, &status)),
	POST("realworld", fail_after_a_write, .tx = NP_TX_WRITE,
	     .params = NP_PARAMS(&label, &count, &status), .errors = { .as = as_realworld }),
	GET("fail/missing", miss, .tx = NP_TX_READ),
	{ .method = "PUT",
	  .path = "/replies/fail/missing",
	  .handle = show_nothing,
	  .tx = NP_TX_WRITE,
	  .success = NP_STATUS_NO_CONTENT },
	GET("fail/key", fail_early, .tx = NP_TX_READ, .auth = NP_AUTH_KEY),
	GET("realworld/taken", fail_plainly, .errors = { .as = as_realworld }),
	GET("realworld/internal", divide, .errors = { .as = as_realworld }),
	GET("realworld/user", show_nothing, .auth = NP_AUTH_USER, .errors = { .as = as_realworld }),
	GET("realworld/nonsense", fail_plainly, .errors = { .as = as_nonsense }),
	GET("cookies", show_cookies, .params = NP_PARAMS(&session, &visits)),
	POST("cookies", set_cookies, .params = NP_PARAMS(&text), .success = NP_STATUS_NO_CONTENT),
	GET("cookies/guarded", show_nothing, .guard = check_session,
	    .success = NP_STATUS_NO_CONTENT),
	GET("placed", show_placed, .tx = NP_TX_NONE),
	GET("misuse", misuse, .tx = NP_TX_READ, .params = NP_PARAMS(&text)),
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "replies", routes);
}
