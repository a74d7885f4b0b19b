/* misuse - asks for something that does not exist: a parameter, a column, a row, a key, or a
 * function of another kind of transaction or statement */
#include "misuse.sql.h"

static const struct np_param asked = { .name = "what", .in = NP_IN_PATH, .type = NP_TYPE_STRING };
static const struct np_param after = { .name = "after", .in = NP_IN_QUERY, .type = NP_TYPE_CURSOR };

/* No route has it. */
static const struct np_param stranger = { .name = "stranger",
	                                  .in = NP_IN_QUERY,
	                                  .type = NP_TYPE_CURSOR };

static bool
is_asked(struct np_ctx *ctx, const char *what)
{
	const char *wanted = np_arg(ctx, &asked).text;

	while (*what && *what == *wanted) {
		what++;
		wanted++;
	}
	return *what == *wanted;
}

/* Every branch goes on as if nothing were wrong. */
static bool
read_misusing(struct np_ctx *ctx)
{
	struct np_value value = np_text("x");
	struct np_rows *rows = NULL;

	if (is_asked(ctx, "argument"))
		value = np_arg(ctx, &stranger);
	else if (is_asked(ctx, "given"))
		value = np_bool(np_given(ctx, &stranger));
	else if (is_asked(ctx, "key"))
		value = np_cursor_key(ctx, &after, 9);
	else if (is_asked(ctx, "no-cursor"))
		value = np_cursor_key(ctx, &asked, 0);
	else if (is_asked(ctx, "last"))
		return np_query_last(ctx, &rows, one_row(value)) || np_reply_empty(ctx);
	else if (is_asked(ctx, "answer"))
		return np_answer(ctx, one_row(value)) || np_reply_empty(ctx);
	else if (is_asked(ctx, "far-key"))
		value = np_cursor_key(ctx, &after, SIZE_MAX);
	else if (is_asked(ctx, "null-rows"))
		value = np_field(NULL, np_rows_count(NULL), "one");
	else if (is_asked(ctx, "no-rows"))
		return np_query(ctx, &rows, no_rows()) && np_reply_row(ctx, NP_STATUS_OK, rows);
	else if (is_asked(ctx, "header"))
		return np_header(ctx, "content-length", "0") && np_reply_empty(ctx);
	else if (is_asked(ctx, "status"))
		return np_reply_object(ctx, (enum np_status)404, NULL);
	else if (is_asked(ctx, "nameless"))
		return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ NULL, value }));
	else if (is_asked(ctx, "secret-hash"))
		value = np_keyed_hash(ctx, "misuse", value);
	else if (is_asked(ctx, "secret-token"))
		value = np_access_token(ctx, value, value, np_null());
	else if (is_asked(ctx, "no-error"))
		return np_fail(ctx, (enum np_error)0, "an error that there is not");
	else if (is_asked(ctx, "other-error"))
		return np_fail(ctx, (enum np_error)99, "an error that there is not");
	else if (is_asked(ctx, "numbers")) /* where texts are usual */
		return np_require_caller(ctx, np_int(1))
		       || np_password_verify(ctx, np_int(1), np_int(2))
		       || np_is_null(np_password_hash(ctx, np_int(3)))
		       || np_is_null(np_token_hash(ctx, np_int(4)))
		       || np_fail(ctx, NP_ERROR_INTERNAL, "all were taken");
	else if (is_asked(ctx, "commit"))
		return np_commit(ctx);
	else if (is_asked(ctx, "rollback"))
		np_rollback(ctx);
	if (np_query(ctx, &rows, one_row(value))) {
		if (is_asked(ctx, "column"))
			value = np_field(rows, 0, "tow");
		else if (is_asked(ctx, "row"))
			value = np_field(rows, 1, "one");
		else if (is_asked(ctx, "token"))
			value = np_access_token(ctx, np_null(), np_text("x"), np_null());
		else if (is_asked(ctx, "json"))
			value = np_json("{\"a\":");
		else if (is_asked(ctx, "page"))
			return np_reply_page(ctx, rows, 0, NP_NAMES("one"));
	}
	return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "value", value }));
}

/* Calls that the compiler cannot refuse; the handler goes on, but for the last. */
static bool
call_misusing(struct np_ctx *ctx)
{
	struct np_value x = np_text("x");
	struct np_rows *rows;
	bool done = false;

	if (is_asked(ctx, "few"))
		done = np_exec(ctx, NP_CALL_ONE_OF(NP_STATEMENT(two_values), x));
	else if (is_asked(ctx, "many"))
		done = np_exec(ctx, NP_CALL_ONE_OF(NP_STATEMENT(one_row), x, x));
	else if (is_asked(ctx, "one"))
		done = np_query_one(ctx, &rows, two_values(x, x));
	else if (is_asked(ctx, "exec"))
		done = np_query(ctx, &rows, nothing());
	else
		return np_query_one(ctx, &rows, one_of_two_rows());
	return done || np_reply_empty(ctx);
}

static bool
write_misusing(struct np_ctx *ctx)
{
	struct np_value label = is_asked(ctx, "argument") ? np_arg(ctx, &stranger)
	                                                  : np_text("misuse");
	struct np_rows *row;

	if (is_asked(ctx, "marked") ? !np_query_last(ctx, &row, new_row(label))
	                            : !np_query_one(ctx, &row, new_row(label)))
		return false;
	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_OBJECT({ "label", np_field(row, 0, "lable") }));
}

static const struct np_route routes[] = {
	{ .method = "GET",
	  .path = "/misuse/{what}",
	  .handle = read_misusing,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&asked, &after) },
	{ .method = "PUT",
	  .path = "/misuse/{what}",
	  .handle = write_misusing,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&asked, &after) },
	{ .method = "GET",
	  .path = "/misuse/none/{what}",
	  .handle = read_misusing,
	  .tx = NP_TX_NONE,
	  .params = NP_PARAMS(&asked, &after) },
	{ .method = "GET",
	  .path = "/misuse/call/{what}",
	  .handle = call_misusing,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&asked) },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "misuse", routes);
}
