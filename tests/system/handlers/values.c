/* values - sends values that passed our checks to Postgres; tests/system/test_values.py sends the
 * seeds of tests/fuzz here */
#include "nullpool.h"

static const char jsonb_value[] = "SELECT $1::jsonb AS value";

static const char value_of_each_type[] =
    "SELECT $1::uuid AS uuid, $2::int8 AS int, $3::float8 AS float, $4::bool AS bool, $5::date AS date,"
    " $6::timestamptz AS datetime, $7::text AS string, $8::text AS email, $9::text[] AS strings, $10::int8[] AS ints";

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

	return np_query_one(ctx, &row, jsonb_value, NP_VALUES(np_arg(ctx, &any_value)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
echo_types(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, value_of_each_type,
	                    NP_VALUES(np_arg(ctx, &a_uuid), np_arg(ctx, &an_int),
	                              np_arg(ctx, &a_float), np_arg(ctx, &a_bool),
	                              np_arg(ctx, &a_date), np_arg(ctx, &a_datetime),
	                              np_arg(ctx, &a_string), np_arg(ctx, &an_email),
	                              np_arg(ctx, &strings), np_arg(ctx, &ints)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
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
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "values", routes);
}
