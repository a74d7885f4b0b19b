/* shapes - values of all shapes, and sessions that are set to write them otherwise
 *
 * Its roles, tables and types are made by the tests that use it.
 */
#include "nullpool.h"

static const char every_setting[] =
    "SELECT '2026-07-01 12:00:00+00'::timestamptz AS at, '1 year 2 days 03:04:05'::interval AS span,"
    " '\\x00ff'::bytea AS bytes, 0.1::float8 + 0.2::float8 AS sum, 'a\\tb' AS backslash,"
    " '{1,NULL}'::text[] AS items, xmlelement(name x, '\\x00ff'::bytea)::text AS document, '\"quoted\"' AS quoted,"
    " 'pg_class'::regclass::text AS relation, current_setting('TimeZone') AS zone,"
    " current_setting('row_security') AS row_security, current_setting('jit') AS jit,"
    " coalesce(current_setting('client_connection_check_interval', true), 'none') AS check,"
    " to_char('2026-07-01 12:00:00+00'::timestamptz, 'HH24') AS hour, 'a' = '2026-07-01'::date::text AS no";

static const char keys[] =
    "SELECT value FROM (SELECT 1 + i * 1e-15::float8 AS value FROM generate_series(1, 9) AS i) AS floats"
    " WHERE $1::float8 IS NULL OR value > $1::float8 ORDER BY value LIMIT $2::int";

static const char set_zone[] = "SET timezone = 'Asia/Tokyo'";
static const char set_digits[] = "SELECT set_config('extra_float_digits', '0', false) AS digits";
static const char reset_all[] = "RESET ALL";
static const char levels[] =
    "SELECT current_setting('transaction_isolation') AS isolation, current_setting('transaction_deferrable') AS deferrable";

enum { AFTER, LIMIT };
static const struct np_param of_page[] = {
	[AFTER] = { NP_PAGE_AFTER },
	[LIMIT] = { NP_PAGE_LIMIT },
	NP_PARAMS_END,
};

static bool
show(struct np_ctx *ctx, const char *sql)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, sql, NP_NO_VALUES) && np_reply_row(ctx, NP_OK, row);
}

static bool
show_settings(struct np_ctx *ctx)
{
	return show(ctx, every_setting);
}

static bool
show_levels(struct np_ctx *ctx)
{
	return show(ctx, levels);
}

static bool
list_floats(struct np_ctx *ctx)
{
	struct np_value limit = np_arg(ctx, LIMIT);
	struct np_rows *rows;

	return np_query(ctx, &rows, keys,
	                NP_VALUES(np_cursor_key(ctx, AFTER, 0), np_int(ctx, limit.integer + 1)))
	       && np_reply_page(ctx, rows, limit.integer, NP_KEYS("value"));
}

static bool
disturb(struct np_ctx *ctx, const char *sql)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, sql, NP_NO_VALUES) && np_reply_empty(ctx);
}

static bool
move(struct np_ctx *ctx)
{
	return disturb(ctx, set_zone);
}

static bool
round_floats(struct np_ctx *ctx)
{
	return disturb(ctx, set_digits);
}

static bool
reset(struct np_ctx *ctx)
{
	return disturb(ctx, reset_all);
}

/* What it set is undone with it. */
static bool
set_and_fail(struct np_ctx *ctx)
{
	return reset(ctx) && np_fail(ctx, NP_CONFLICT, "Changed my mind");
}

static const struct np_route routes[] = {
	{ "GET", "/shapes/settings", show_settings, NP_TX_READ },
	{ "POST", "/shapes/settings", show_settings, NP_TX_WRITE },
	{ "GET", "/shapes/levels", show_levels, NP_TX_WRITE },
	{ "GET", "/shapes/serializable", show_levels, NP_TX_READ, .isolation = NP_SERIALIZABLE },
	{ "GET", "/shapes/floats", list_floats, NP_TX_READ, of_page },
	{ "POST", "/shapes/zone", move, NP_TX_WRITE },
	{ "POST", "/shapes/digits", round_floats, NP_TX_WRITE },
	{ "POST", "/shapes/reset", reset, NP_TX_WRITE },
	{ "POST", "/shapes/failing", set_and_fail, NP_TX_WRITE },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "shapes", routes);
}
