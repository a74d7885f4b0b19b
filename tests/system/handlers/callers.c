/* callers - a program of the tests: who may call a route, in each way that a table can say it */
#include "callers.sql.h"
#include "nullpool.h"

static bool
show_caller(struct np_ctx *ctx)
{
	return np_answer(ctx, caller_row(np_caller(ctx), np_bool(np_has_scope(ctx, "admin"))));
}

/* Makes no query, so nothing asks whether the session is live. */
static bool
show_without_query(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "caller", np_caller(ctx) }));
}

static bool
show_nothing(struct np_ctx *ctx)
{
	return np_reply_empty(ctx);
}

/* Its first statement does not need the caller. */
static bool
show_claims(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, claims())
	       && np_reply_object(ctx, NP_STATUS_OK,
	                          NP_OBJECT({ "caller", np_caller(ctx) },
	                                    { "claims", np_field(row, 0, "claims") }));
}

static const struct np_param number = {
	.name = "number", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .required = true
};

static const struct np_param label = {
	.name = "label", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .max = 50
};
static const struct np_param partner_key = {
	.name = "x-partner", .in = NP_IN_HEADER, .type = NP_TYPE_STRING, .max = 50
};

/* The name of a partner may be a number, or a text that is no UUID. */
static bool
check_partner(struct np_ctx *ctx)
{
	struct np_value key = np_header_of(ctx, "x-partner");

	if (np_is_null(key))
		return np_fail(ctx, NP_ERROR_UNAUTHORIZED, "Send X-Partner");
	return np_identify(ctx, partner_of_key(key));
}

static bool
refuse_evil(struct np_ctx *ctx)
{
	struct np_value origin = np_header_of(ctx, "x-origin");

	return np_is_null(origin) || origin.text[0] != '!'
	       || np_fail(ctx, NP_ERROR_FORBIDDEN, "Not from there");
}

static bool
note_work(struct np_ctx *ctx)
{
	return np_answer(ctx, new_work(np_arg(ctx, &label)));
}

static bool
check_number(struct np_ctx *ctx)
{
	struct np_value sent = np_header_of(ctx, "x-number");
	char copy[20] = "";

	/* It is gone when the statement is sent. */
	for (size_t i = 0; !np_is_null(sent) && sent.text[i] && i < sizeof(copy) - 1; i++)
		copy[i] = sent.text[i];
	return np_identify(ctx, partner_of_number(np_text(copy)));
}

static bool
require_user(struct np_ctx *ctx)
{
	return np_require_caller(ctx, np_text("00000000-0000-4000-8000-00000000002a"))
	       && np_reply_empty(ctx);
}

static bool
fail_early(struct np_ctx *ctx)
{
	return np_fail(ctx, NP_ERROR_INVALID, "It is too early");
}

/* Each is a misuse. */
static bool
misuse_guard(struct np_ctx *ctx)
{
	struct np_value what = np_header_of(ctx, "x-misuse");
	struct np_rows *rows;

	switch (np_is_null(what) ? '\0' : what.text[0]) {
	case 'a':
		return np_identify(ctx, partner_of_key(np_arg(ctx, &label)));
	case 'q':
		return np_query(ctx, &rows, partner_of_key(np_text("7")));
	case 'u':
		return !np_is_null(np_header_of(ctx, "X-Upper"));
	case 'k':
		return !np_is_null(np_cursor_key(ctx, &label, 0));
	case 'o':
		return !np_commit(ctx);
	case 'e':
		return !np_fail(ctx, NP_ERROR_FORBIDDEN, "It says so, and goes on");
	case 'i':
		return np_identify(ctx, partner_of_key(what)) && np_has_scope(ctx, "a");
	case 'r':
		return np_reply_empty(ctx);
	case 'f':
		return false;
	default:
		return true;
	}
}

static bool
misuse_identify(struct np_ctx *ctx)
{
	return np_identify(ctx, partner_of_key(np_text("7"))) && np_reply_empty(ctx);
}

static bool
divide(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, part(np_arg(ctx, &number)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static const struct np_route routes[] = {
	{ .method = "GET",
	  .path = "/callers/key/part",
	  .handle = divide,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&number),
	  .auth = NP_AUTH_KEY },
	{ .method = "GET",
	  .path = "/callers/key",
	  .handle = show_caller,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&number),
	  .auth = NP_AUTH_KEY },
	{ .method = "GET",
	  .path = "/callers/key/without-query",
	  .handle = show_nothing,
	  .tx = NP_TX_READ,
	  .auth = NP_AUTH_KEY },
	{ .method = "GET",
	  .path = "/callers/key/admin",
	  .handle = show_claims,
	  .tx = NP_TX_READ,
	  .auth = NP_AUTH_KEY,
	  .require = "admin" },
	{ .method = "POST",
	  .path = "/callers/key/work",
	  .handle = note_work,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label),
	  .auth = NP_AUTH_KEY,
	  .require = "write" },
	{ .method = "GET",
	  .path = "/callers/key/user",
	  .handle = require_user,
	  .tx = NP_TX_READ,
	  .auth = NP_AUTH_KEY },
	{ .method = "GET",
	  .path = "/callers/key/early",
	  .handle = fail_early,
	  .tx = NP_TX_READ,
	  .auth = NP_AUTH_KEY },
	{ .method = "GET",
	  .path = "/callers/key/paper",
	  .handle = show_caller,
	  .tx = NP_TX_READ,
	  .auth = NP_AUTH_KEY,
	  .require = "read" },
	{ .method = "PUT",
	  .path = "/callers/key/paper",
	  .handle = show_caller,
	  .tx = NP_TX_WRITE,
	  .auth = NP_AUTH_KEY,
	  .require = "write" },
	{ .method = "GET",
	  .path = "/callers/partner/number",
	  .handle = show_nothing,
	  .tx = NP_TX_READ,
	  .guard = check_number },
	{ .method = "GET",
	  .path = "/callers/partner",
	  .handle = show_caller,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&number, &partner_key),
	  .guard = check_partner },
	{ .method = "POST",
	  .path = "/callers/partner/work",
	  .handle = note_work,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label, &partner_key),
	  .guard = check_partner,
	  .require = "write" },
	{ .method = "GET",
	  .path = "/callers/guarded",
	  .handle = show_nothing,
	  .params = NP_PARAMS(&number),
	  .guard = refuse_evil },
	{ .method = "GET",
	  .path = "/callers/misuse",
	  .handle = show_nothing,
	  .tx = NP_TX_READ,
	  .guard = misuse_guard },
	{ .method = "GET",
	  .path = "/callers/misuse/identify",
	  .handle = misuse_identify,
	  .tx = NP_TX_READ },
	{ .method = "GET",
	  .path = "/callers/anybody",
	  .handle = show_caller,
	  .tx = NP_TX_READ,
	  .auth = NP_AUTH_OPTIONAL },
	{ .method = "GET",
	  .path = "/callers/anybody/without-query",
	  .handle = show_without_query,
	  .auth = NP_AUTH_OPTIONAL },
	{ .method = "GET",
	  .path = "/callers/admin",
	  .handle = show_caller,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&number),
	  .auth = NP_AUTH_USER,
	  .require = "admin" },
	{ .method = "GET",
	  .path = "/callers/paper",
	  .handle = show_caller,
	  .tx = NP_TX_READ,
	  .auth = NP_AUTH_USER,
	  .require = "admin" },
	{ .method = "PUT",
	  .path = "/callers/paper",
	  .handle = show_caller,
	  .tx = NP_TX_WRITE,
	  .auth = NP_AUTH_OPTIONAL },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "callers", routes);
}
