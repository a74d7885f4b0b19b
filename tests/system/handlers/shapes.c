/* shapes - values of all types, and sessions whose settings would write them differently
 *
 * Its roles, tables and types are created by the tests that use it.
 */
#include "shapes.sql.h"

static const struct np_param strings = {
	.name = "strings", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .max_items = 5
};
static const struct np_param ints = {
	.name = "ints", .in = NP_IN_BODY, .type = NP_TYPE_INT, .max_items = 5
};
static const struct np_param floats = {
	.name = "floats", .in = NP_IN_BODY, .type = NP_TYPE_FLOAT, .max_items = 5
};
static const struct np_param bools = {
	.name = "bools", .in = NP_IN_BODY, .type = NP_TYPE_BOOL, .max_items = 5
};
static const struct np_param dates = {
	.name = "dates", .in = NP_IN_BODY, .type = NP_TYPE_DATE, .max_items = 5
};
static const struct np_param json = { .name = "json", .in = NP_IN_BODY, .type = NP_TYPE_JSON };
static const struct np_param object = { .name = "object",
	                                .in = NP_IN_BODY,
	                                .type = NP_TYPE_OBJECT };
static const struct np_param an_int = { .name = "int", .in = NP_IN_BODY, .type = NP_TYPE_INT };
static const struct np_param a_float = { .name = "float", .in = NP_IN_BODY, .type = NP_TYPE_FLOAT };
#define VALUE_FIELDS \
	NP_PARAMS(&strings, &ints, &floats, &bools, &dates, &json, &object, &an_int, &a_float)

static const struct np_param some = { .name = "some", .in = NP_IN_QUERY, .type = NP_TYPE_BOOL };

static const struct np_param after = { NP_PAGE_AFTER };
static const struct np_param limit = { NP_PAGE_LIMIT };

static bool
show(struct np_ctx *ctx, struct np_call call)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, call) && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
show_settings(struct np_ctx *ctx)
{
	return show(ctx, every_setting());
}

static bool
show_levels(struct np_ctx *ctx)
{
	return show(ctx, levels());
}

static bool
list_floats(struct np_ctx *ctx)
{
	int64_t rows_wanted = np_arg(ctx, &limit).integer;
	struct np_rows *rows;

	return np_query(ctx, &rows,
	                page_of_floats(np_cursor_key(ctx, &after, 0), np_int(rows_wanted + 1)))
	       && np_reply_page(ctx, rows, rows_wanted, NP_NAMES("value"));
}

static bool
echo_values(struct np_ctx *ctx)
{
	return np_reply_object(
	    ctx, NP_STATUS_OK,
	    NP_OBJECT({ "strings", np_arg(ctx, &strings) }, { "ints", np_arg(ctx, &ints) },
	              { "floats", np_arg(ctx, &floats) }, { "bools", np_arg(ctx, &bools) },
	              { "dates", np_arg(ctx, &dates) }, { "json", np_arg(ctx, &json) },
	              { "object", np_arg(ctx, &object) }, { "int", np_arg(ctx, &an_int) },
	              { "float", np_arg(ctx, &a_float) }));
}

static bool
show_row(struct np_ctx *ctx)
{
	return show(ctx, one_row());
}

static bool
show_own_types(struct np_ctx *ctx)
{
	return show(ctx, own_types());
}

static bool
insert_moods(struct np_ctx *ctx)
{
	return show(ctx, new_moods());
}

static bool
insert_moods_last(struct np_ctx *ctx)
{
	return np_answer(ctx, new_moods());
}

/* Without `some` the column is null, so it does not look like an array. */
static bool
show_some_moods(struct np_ctx *ctx)
{
	return show(ctx, some_moods(np_arg(ctx, &some)));
}

static bool
insert_some_moods(struct np_ctx *ctx)
{
	return show(ctx, some_new_moods(np_arg(ctx, &some)));
}

#define FIELD(name)                          \
	{                                    \
		name, np_field(row, 0, name) \
	}

static bool
show_fields(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, one_row())
	       && np_reply_object(ctx, NP_STATUS_OK,
	                          NP_OBJECT(FIELD("n"), FIELD("b"), FIELD("f"), FIELD("nan"),
	                                    FIELD("price"), FIELD("huge"), FIELD("document"),
	                                    FIELD("bytes"), FIELD("span"), FIELD("at"),
	                                    FIELD("numbers"), FIELD("range"), FIELD("nothing")));
}

static bool
run_setting(struct np_ctx *ctx, struct np_call call)
{
	return np_exec(ctx, call) && np_reply_empty(ctx);
}

static bool
move_time_zone(struct np_ctx *ctx)
{
	return run_setting(ctx, set_zone());
}

static bool
round_floats(struct np_ctx *ctx)
{
	return run_setting(ctx, set_digits());
}

static bool
reset_settings(struct np_ctx *ctx)
{
	return run_setting(ctx, reset_all());
}

/* The rollback undoes the setting. */
static bool
set_and_fail(struct np_ctx *ctx)
{
	return reset_settings(ctx) && np_fail(ctx, NP_ERROR_CONFLICT, "Changed my mind");
}

static const struct np_route routes[] = {
	{ .method = "GET", .path = "/shapes/settings", .handle = show_settings, .tx = NP_TX_READ },
	{ .method = "POST",
	  .path = "/shapes/settings",
	  .handle = show_settings,
	  .tx = NP_TX_WRITE },
	{ .method = "GET", .path = "/shapes/levels", .handle = show_levels, .tx = NP_TX_WRITE },
	{ .method = "GET",
	  .path = "/shapes/serializable",
	  .handle = show_levels,
	  .tx = NP_TX_READ,
	  .isolation = NP_ISOLATION_SERIALIZABLE },
	{ .method = "GET",
	  .path = "/shapes/floats",
	  .handle = list_floats,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&after, &limit) },
	{ .method = "POST",
	  .path = "/shapes/values",
	  .handle = echo_values,
	  .tx = NP_TX_NONE,
	  .params = VALUE_FIELDS },
	{ .method = "GET", .path = "/shapes/row", .handle = show_row, .tx = NP_TX_READ },
	{ .method = "GET", .path = "/shapes/own", .handle = show_own_types, .tx = NP_TX_READ },
	{ .method = "GET",
	  .path = "/shapes/own-snapshot",
	  .handle = show_own_types,
	  .tx = NP_TX_READ,
	  .isolation = NP_ISOLATION_REPEATABLE_READ },
	{ .method = "POST", .path = "/shapes/own", .handle = insert_moods, .tx = NP_TX_WRITE },
	{ .method = "POST",
	  .path = "/shapes/own-last",
	  .handle = insert_moods_last,
	  .tx = NP_TX_WRITE },
	{ .method = "GET",
	  .path = "/shapes/some",
	  .handle = show_some_moods,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&some) },
	{ .method = "POST",
	  .path = "/shapes/some",
	  .handle = insert_some_moods,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&some) },
	{ .method = "GET", .path = "/shapes/fields", .handle = show_fields, .tx = NP_TX_READ },
	{ .method = "POST", .path = "/shapes/zone", .handle = move_time_zone, .tx = NP_TX_WRITE },
	{ .method = "POST", .path = "/shapes/digits", .handle = round_floats, .tx = NP_TX_WRITE },
	{ .method = "POST", .path = "/shapes/reset", .handle = reset_settings, .tx = NP_TX_WRITE },
	{ .method = "POST", .path = "/shapes/failing", .handle = set_and_fail, .tx = NP_TX_WRITE },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "shapes", routes);
}
