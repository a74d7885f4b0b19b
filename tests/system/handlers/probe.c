/* probe - what the system tests need to see from inside, and handlers that behave badly on purpose
 *
 * Its table, probe_rows, is made by tests/system/conftest.py.
 */
#include <stdlib.h>

#include "nullpool.h"

static const char session[] =
    "SELECT pg_backend_pid() AS pid, current_setting('application_name') AS application_name,"
    " current_setting('statement_timeout') AS statement_timeout,"
    " current_setting('transaction_read_only') AS read_only, s.ssl, s.version AS tls"
    " FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()";

static const char every_type[] =
    "SELECT true AS yes, 32767::int2 AS small, (-9223372036854775807 - 1)::int8 AS big, 0.1::float8 AS float,"
    " 'NaN'::float8 AS nan, 'Infinity'::float4 AS infinite, 12.50::numeric AS price,"
    " 12345678901234567890.123::numeric AS huge, '{\"a\": [1, null]}'::jsonb AS document,"
    " '[1,\n2]'::json AS list, ARRAY[1, NULL, 3] AS numbers, ARRAY['a', 'NULL', NULL, '\"q\\'] AS texts,"
    " ARRAY[ARRAY[true], ARRAY[false]] AS grid, '{}'::text[] AS empty,"
    " '2026-01-31 23:59:59.5+02'::timestamptz AS at, '2026-01-31 23:59:59'::timestamp AS local,"
    " 'infinity'::timestamptz AS ever, '2026-01-31'::date AS day,"
    " '00000000-0000-0000-0000-00000000002a'::uuid AS id, NULL::text AS nothing, E'tab\\t\"quote\"' AS text";

static const char nap[] = "SELECT pg_sleep($1)::text AS slept";

static const char new_row[] = "INSERT INTO probe_rows (label) VALUES ($1) RETURNING label";

static const char row_count[] = "SELECT count(*) AS count FROM probe_rows WHERE label = $1";

static const char bad_date[] = "SELECT $1::date AS day";

static bool
show_session(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, session, NP_NO_VALUES) && np_reply_row(ctx, NP_OK, row);
}

static bool
show_types(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, every_type, NP_NO_VALUES) && np_reply_row(ctx, NP_OK, row);
}

enum { SECONDS };
static const struct np_param how_long[] = {
	[SECONDS] = { .name = "seconds", .in = NP_QUERY, .type = NP_FLOAT, .required = true },
	NP_PARAMS_END,
};

static bool
sleep_in_database(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, nap, NP_VALUES(np_arg(ctx, SECONDS))) && np_reply_row(ctx, NP_OK, row);
}

enum { LABEL };
static const struct np_param a_label[] = {
	[LABEL] = { .name = "label",
	            .in = NP_QUERY,
	            .type = NP_STRING,
	            .required = true,
	            .min = 1,
	            .max = 200 },
	NP_PARAMS_END,
};

static bool
count_rows(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_count, NP_VALUES(np_arg(ctx, LABEL)))
	       && np_reply_row(ctx, NP_OK, row);
}

/* Unmarked: the commit comes after the handler. */
static bool
insert(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, new_row, NP_VALUES(np_arg(ctx, LABEL)))
	       && np_reply_row(ctx, NP_CREATED, row);
}

static bool
insert_and_fail(struct np_ctx *ctx)
{
	return insert(ctx) && np_fail(ctx, NP_CONFLICT, "Changed my mind");
}

static bool
insert_then_query_after_last(struct np_ctx *ctx)
{
	struct np_rows *row;

	return insert(np_last(ctx)) && np_query(ctx, &row, row_count, NP_VALUES(np_arg(ctx, LABEL)));
}

/* Two transactions: the first is committed, the second is not. */
static bool
commit_first_only(struct np_ctx *ctx)
{
	return insert(ctx) && np_commit(ctx) && insert(ctx);
}

static bool
insert_and_roll_back(struct np_ctx *ctx)
{
	return insert(ctx) && np_rollback(ctx);
}

static bool
set_header(struct np_ctx *ctx)
{
	return np_header(ctx, "X-Label", "%s", np_arg(ctx, LABEL).text) && np_reply_empty(ctx);
}

static bool
steer_nginx(struct np_ctx *ctx)
{
	return np_header(ctx, "X-Accel-Redirect", "/_problem") && np_reply_object(ctx, NP_OK, NULL, 0);
}

static bool
cast_to_date(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, bad_date, NP_VALUES(np_arg(ctx, LABEL)))
	       && np_reply_row(ctx, NP_OK, row);
}

static bool
query_without_database(struct np_ctx *ctx)
{
	return show_session(ctx);
}

static bool
say_nothing(struct np_ctx *ctx)
{
	(void)ctx;
	return true;
}

static bool
die(struct np_ctx *ctx)
{
	(void)ctx;
	_Exit(3);
}

enum { WORD, NUMBER, FLAG, NOTHING, TOKEN };
static const struct np_param every_place[] = {
	[WORD] = { .name = "word", .in = NP_BODY, .type = NP_STRING, .required = true },
	[NUMBER] = { .name = "number", .in = NP_BODY, .type = NP_INT, .min = -5, .max = 5 },
	[FLAG] = { .name = "flag", .in = NP_BODY, .type = NP_BOOL, .fallback = "true" },
	[NOTHING] = { .name = "nothing", .in = NP_BODY, .type = NP_STRING, .nullable = true },
	[TOKEN] = { .name = "x-token", .in = NP_HEADER, .type = NP_STRING },
	NP_PARAMS_END,
};

static bool
echo(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_OK,
	                       NP_MEMBERS({ "word", np_arg(ctx, WORD) }, { "number", np_arg(ctx, NUMBER) },
	                                  { "flag", np_arg(ctx, FLAG) }, { "nothing", np_arg(ctx, NOTHING) },
	                                  { "nothing_given", np_bool(np_given(ctx, NOTHING)) },
	                                  { "token", np_arg(ctx, TOKEN) }));
}

static const struct np_route routes[] = {
	{ "GET", "/probe/session", show_session, NP_TX_READ, NULL },
	{ "POST", "/probe/session", show_session, NP_TX_WRITE, NULL },
	{ "GET", "/probe/types", show_types, NP_TX_READ, NULL },
	{ "GET", "/probe/sleep", sleep_in_database, NP_TX_READ, how_long },
	{ "GET", "/probe/rows", count_rows, NP_TX_READ, a_label },
	{ "POST", "/probe/rows", insert, NP_TX_WRITE, a_label, .conflict = "This label is taken" },
	{ "POST", "/probe/failing", insert_and_fail, NP_TX_WRITE, a_label },
	{ "POST", "/probe/after-last", insert_then_query_after_last, NP_TX_WRITE, a_label },
	{ "POST", "/probe/commit-first", commit_first_only, NP_TX_MANUAL, a_label },
	{ "POST", "/probe/roll-back", insert_and_roll_back, NP_TX_MANUAL, a_label },
	{ "POST", "/probe/write-in-read", insert, NP_TX_READ, a_label },
	{ "GET", "/probe/header", set_header, NP_TX_NONE, a_label },
	{ "GET", "/probe/steer", steer_nginx, NP_TX_NONE, NULL },
	{ "GET", "/probe/date", cast_to_date, NP_TX_READ, a_label },
	{ "GET", "/probe/no-database", query_without_database, NP_TX_NONE, NULL },
	{ "GET", "/probe/silent", say_nothing, NP_TX_NONE, NULL },
	{ "GET", "/probe/die", die, NP_TX_NONE, NULL },
	{ "POST", "/probe/echo", echo, NP_TX_NONE, every_place },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "probe", routes);
}
