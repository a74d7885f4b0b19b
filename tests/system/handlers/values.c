/* values - what passes our checks, as Postgres takes it: tests/system/test_values.py sends the
 * seeds of tests/fuzz here */
#include "nullpool.h"

static const char as_jsonb[] = "SELECT $1::jsonb AS value";

static const char as_types[] =
    "SELECT $1::uuid AS uuid, $2::int8 AS int, $3::float8 AS float, $4::bool AS bool, $5::date AS date,"
    " $6::timestamptz AS datetime, $7::text AS string, $8::text AS email, $9::text[] AS strings, $10::int8[] AS ints";

static const struct np_param any_value[] = {
	{ .name = "value", .in = NP_BODY, .type = NP_JSON, .required = true },
	NP_PARAMS_END,
};

static const struct np_param each_type[] = {
	{ .name = "uuid", .in = NP_QUERY, .type = NP_UUID },
	{ .name = "int", .in = NP_QUERY, .type = NP_INT },
	{ .name = "float", .in = NP_QUERY, .type = NP_FLOAT },
	{ .name = "bool", .in = NP_QUERY, .type = NP_BOOL },
	{ .name = "date", .in = NP_QUERY, .type = NP_DATE },
	{ .name = "datetime", .in = NP_QUERY, .type = NP_DATETIME },
	{ .name = "string", .in = NP_QUERY, .type = NP_STRING },
	{ .name = "email", .in = NP_QUERY, .type = NP_EMAIL },
	{ .name = "strings", .in = NP_QUERY, .type = NP_STRING, .max_items = 8 },
	{ .name = "ints", .in = NP_QUERY, .type = NP_INT, .max_items = 8 },
	NP_PARAMS_END,
};

static bool
show_json(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, as_jsonb, NP_VALUES(np_arg(ctx, 0)))
	       && np_reply_row(ctx, NP_OK, row);
}

static bool
show_types(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, as_types,
	                    NP_VALUES(np_arg(ctx, 0), np_arg(ctx, 1), np_arg(ctx, 2),
	                              np_arg(ctx, 3), np_arg(ctx, 4), np_arg(ctx, 5),
	                              np_arg(ctx, 6), np_arg(ctx, 7), np_arg(ctx, 8),
	                              np_arg(ctx, 9)))
	       && np_reply_row(ctx, NP_OK, row);
}

static const struct np_route routes[] = {
	{ "POST", "/values", show_json, NP_TX_READ, any_value },
	{ "GET", "/values", show_types, NP_TX_READ, each_type },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "values", routes);
}
