/* values - sends values that passed our checks to Postgres; tests/system/test_values.py sends the
 * seeds of tests/fuzz here */
#include "nullpool.h"

static const char jsonb_value[] = "SELECT $1::jsonb AS value";

static const char value_of_each_type[] =
    "SELECT $1::uuid AS uuid, $2::int8 AS int, $3::float8 AS float, $4::bool AS bool, $5::date AS date,"
    " $6::timestamptz AS datetime, $7::text AS string, $8::text AS email, $9::text[] AS strings, $10::int8[] AS ints";

static const struct np_param any_value[] = {
	{ .name = "value", .in = NP_IN_BODY, .type = NP_TYPE_JSON, .required = true },
	NP_PARAMS_END,
};

static const struct np_param each_type[] = {
	{ .name = "uuid", .in = NP_IN_QUERY, .type = NP_TYPE_UUID },
	{ .name = "int", .in = NP_IN_QUERY, .type = NP_TYPE_INT },
	{ .name = "float", .in = NP_IN_QUERY, .type = NP_TYPE_FLOAT },
	{ .name = "bool", .in = NP_IN_QUERY, .type = NP_TYPE_BOOL },
	{ .name = "date", .in = NP_IN_QUERY, .type = NP_TYPE_DATE },
	{ .name = "datetime", .in = NP_IN_QUERY, .type = NP_TYPE_DATETIME },
	{ .name = "string", .in = NP_IN_QUERY, .type = NP_TYPE_STRING },
	{ .name = "email", .in = NP_IN_QUERY, .type = NP_TYPE_EMAIL },
	{ .name = "strings", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .max_items = 8 },
	{ .name = "ints", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .max_items = 8 },
	NP_PARAMS_END,
};

static bool
echo_json(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, jsonb_value, NP_VALUES(np_arg(ctx, 0)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
echo_types(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, value_of_each_type,
	                    NP_VALUES(np_arg(ctx, 0), np_arg(ctx, 1), np_arg(ctx, 2),
	                              np_arg(ctx, 3), np_arg(ctx, 4), np_arg(ctx, 5),
	                              np_arg(ctx, 6), np_arg(ctx, 7), np_arg(ctx, 8),
	                              np_arg(ctx, 9)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static const struct np_route routes[] = {
	{ "POST", "/values", echo_json, NP_TX_READ, any_value },
	{ "GET", "/values", echo_types, NP_TX_READ, each_type },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "values", routes);
}
