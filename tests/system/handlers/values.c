/* values - sends values that passed our checks to Postgres; tests/system/test_values.py sends the
 * seeds of tests/fuzz here */
#include <math.h>

#include "values.sql.h"

static const struct np_param any_value = {
	.name = "value", .in = NP_IN_BODY, .type = NP_TYPE_JSON, .required = true
};

static const struct np_param a_uuid = { .name = "uuid", .in = NP_IN_QUERY, .type = NP_TYPE_UUID };
static const struct np_param an_int = { .name = "int", .in = NP_IN_QUERY, .type = NP_TYPE_INT };
static const struct np_param a_float = { .name = "float",
	                                 .in = NP_IN_QUERY,
	                                 .type = NP_TYPE_FLOAT };
static const struct np_param a_bool = { .name = "bool", .in = NP_IN_QUERY, .type = NP_TYPE_BOOL };
static const struct np_param a_date = { .name = "date", .in = NP_IN_QUERY, .type = NP_TYPE_DATE };
static const struct np_param a_datetime = { .name = "datetime",
	                                    .in = NP_IN_QUERY,
	                                    .type = NP_TYPE_DATETIME };
static const struct np_param a_string = { .name = "string",
	                                  .in = NP_IN_QUERY,
	                                  .type = NP_TYPE_STRING };
static const struct np_param an_email = { .name = "email",
	                                  .in = NP_IN_QUERY,
	                                  .type = NP_TYPE_EMAIL };
static const struct np_param strings = {
	.name = "strings", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .max_items = 8
};
static const struct np_param ints = {
	.name = "ints", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .max_items = 8
};
#define EACH_TYPE                                                                                  \
	NP_PARAMS(&a_uuid, &an_int, &a_float, &a_bool, &a_date, &a_datetime, &a_string, &an_email, \
	          &strings, &ints)

static bool
echo_json(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, jsonb_value(np_arg(ctx, &any_value)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
echo_types(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row,
	                    value_of_each_type(np_arg(ctx, &a_uuid), np_arg(ctx, &an_int),
	                                       np_arg(ctx, &a_float), np_arg(ctx, &a_bool),
	                                       np_arg(ctx, &a_date), np_arg(ctx, &a_datetime),
	                                       np_arg(ctx, &a_string), np_arg(ctx, &an_email),
	                                       np_arg(ctx, &strings), np_arg(ctx, &ints)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

/* Each number is made anew of what was asked for, and again of what Postgres returns. */
static bool
echo_made_values(struct np_ctx *ctx)
{
	double number = np_given(ctx, &a_float) ? np_arg(ctx, &a_float).number : NAN;
	struct np_rows *row;

	if (!np_query_one(ctx, &row,
	                  made_values(np_int(np_arg(ctx, &an_int).integer), np_float(number),
	                              np_bool(np_arg(ctx, &a_bool).boolean), np_json("[1, null]"),
	                              np_text("a"), np_null())))
		return false;
	return np_reply_object(
	    ctx, NP_STATUS_OK,
	    NP_OBJECT({ "int", np_int(np_field(row, 0, "int").integer) },
	              { "float", np_float(np_field(row, 0, "float").number) },
	              { "float_text", np_text(np_text_of(ctx, np_float(number))) },
	              { "bool", np_bool(np_field(row, 0, "bool").boolean) },
	              { "json", np_json(np_field(row, 0, "json").text) },
	              { "text", np_field(row, 0, "text") },
	              { "nothing", np_bool(np_is_null(np_field(row, 0, "nothing"))) }));
}

static const struct np_route routes[] = {
	{ .method = "POST",
	  .path = "/values",
	  .handle = echo_json,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&any_value) },
	{ .method = "GET",
	  .path = "/values",
	  .handle = echo_types,
	  .tx = NP_TX_READ,
	  .params = EACH_TYPE },
	{ .method = "GET",
	  .path = "/values/made",
	  .handle = echo_made_values,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&an_int, &a_float, &a_bool) },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "values", routes);
}
