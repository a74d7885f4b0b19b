/* misuse - asks for something that does not exist: a parameter, a column, a row, a key, or a
 * function of another kind of transaction */
#include "nullpool.h"

static const struct np_param misuse_fields[] = {
	{ .name = "what", .in = NP_IN_PATH, .type = NP_TYPE_STRING },
	{ .name = "after", .in = NP_IN_QUERY, .type = NP_TYPE_CURSOR },
	NP_PARAMS_END,
};

static const char one[] = "SELECT 1 AS one WHERE $1::text IS NULL OR $1::text <> ''";
static const char new_row[] =
    "INSERT INTO probe_rows (label) VALUES (coalesce($1, 'misuse')) RETURNING label";

static bool
is_asked(struct np_ctx *ctx, const char *what)
{
	const char *wanted = np_arg(ctx, 0).text;

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
		value = np_arg(ctx, 7);
	else if (is_asked(ctx, "given"))
		value = np_bool(np_given(ctx, 2));
	else if (is_asked(ctx, "key"))
		value = np_cursor_key(ctx, 1, 9);
	else if (is_asked(ctx, "no-cursor"))
		value = np_cursor_key(ctx, 0, 0);
	else if (is_asked(ctx, "last"))
		ctx = np_last(ctx);
	else if (is_asked(ctx, "commit"))
		return np_commit(ctx);
	else if (is_asked(ctx, "rollback"))
		return np_rollback(ctx);
	if (!is_asked(ctx, "last") && np_query(ctx, &rows, one, NP_VALUES(value))) {
		if (is_asked(ctx, "column"))
			value = np_field(rows, 0, "tow");
		else if (is_asked(ctx, "row"))
			value = np_field(rows, 1, "one");
		else if (is_asked(ctx, "page"))
			return np_reply_page(ctx, rows, 0, NP_KEYS("one"));
	}
	return np_reply_object(ctx, NP_STATUS_OK, NP_MEMBERS({ "value", value }));
}

static bool
write_misusing(struct np_ctx *ctx)
{
	struct np_value label = is_asked(ctx, "argument") ? np_arg(ctx, 2) : np_text("misuse");
	struct np_rows *row;

	if (is_asked(ctx, "marked"))
		ctx = np_last(ctx);
	if (!np_query_one(ctx, &row, new_row, NP_VALUES(label)))
		return false;
	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_MEMBERS({ "label", np_field(row, 0, "lable") }));
}

static const struct np_route routes[] = {
	{ "GET", "/misuse/{what}", read_misusing, NP_TX_READ, misuse_fields },
	{ "PUT", "/misuse/{what}", write_misusing, NP_TX_WRITE, misuse_fields },
	{ "GET", "/misuse/none/{what}", read_misusing, NP_TX_NONE, misuse_fields },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "misuse", routes);
}
