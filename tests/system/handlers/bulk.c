/* bulk - large input and large responses, for tests/system/test_memory.py */
#include <string.h>

#include "nullpool.h"

#define LIST_MAX 1000000

enum { EMAIL, TEXT, ANYTHING, OBJECT, NUMBERS, TEXTS, IDS, INNER };
static const struct np_param body_fields[] = {
	[EMAIL] = { .name = "email", .in = NP_IN_BODY, .type = NP_TYPE_EMAIL },
	[TEXT] = { .name = "text", .in = NP_IN_BODY, .type = NP_TYPE_STRING },
	[ANYTHING] = { .name = "anything", .in = NP_IN_BODY, .type = NP_TYPE_JSON },
	[OBJECT] = { .name = "object", .in = NP_IN_BODY, .type = NP_TYPE_OBJECT },
	[NUMBERS] = { .name = "numbers",
	              .in = NP_IN_BODY,
	              .type = NP_TYPE_INT,
	              .max_items = LIST_MAX },
	[TEXTS] = { .name = "texts",
	            .in = NP_IN_BODY,
	            .type = NP_TYPE_STRING,
	            .max_items = LIST_MAX },
	[IDS] = { .name = "ids", .in = NP_IN_BODY, .type = NP_TYPE_UUID, .max_items = LIST_MAX },
	[INNER] = { .name = "outer.inner", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .max = 10 },
	NP_PARAMS_END,
};

static bool
count_bytes(struct np_ctx *ctx)
{
	size_t bytes = 0;

	for (size_t i = EMAIL; i <= INNER; i++)
		bytes += np_arg(ctx, i).text ? strlen(np_arg(ctx, i).text) : 0;
	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_MEMBERS({ "bytes", np_int(ctx, (int64_t)bytes) }));
}

static const char same_document[] = "SELECT $1::jsonb AS anything";
static const char item_count[] = "SELECT cardinality($1::int8[]) AS count";

/* Sends a document to Postgres and back. */
static bool
echo_document(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, same_document, NP_VALUES(np_arg(ctx, ANYTHING)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
count_items(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, item_count, NP_VALUES(np_arg(ctx, NUMBERS)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

enum { FIRST, SECOND };
static const struct np_param form_fields[] = {
	[FIRST] = { .name = "first", .in = NP_IN_BODY, .type = NP_TYPE_STRING },
	[SECOND] = { .name = "second", .in = NP_IN_BODY, .type = NP_TYPE_INT },
	NP_PARAMS_END,
};

static bool
count_form_bytes(struct np_ctx *ctx)
{
	const char *text = np_arg(ctx, FIRST).text;

	return np_reply_object(
	    ctx, NP_STATUS_OK,
	    NP_MEMBERS({ "bytes", np_int(ctx, text ? (int64_t)strlen(text) : 0) }));
}

enum { ROWS, SIZE, TAGS };
static const struct np_param response_fields[] = {
	[ROWS] = { .name = "rows",
	           .in = NP_IN_QUERY,
	           .type = NP_TYPE_INT,
	           .min = 1,
	           .max = 1000000,
	           .default_value = "1" },
	[SIZE] = { .name = "size",
	           .in = NP_IN_QUERY,
	           .type = NP_TYPE_INT,
	           .min = 1,
	           .max = 8000000,
	           .default_value = "1" },
	[TAGS] = { .name = "tag", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .max_items = 64 },
	NP_PARAMS_END,
};

static const struct np_param cached_fields[] = {
	[ROWS] = { .name = "rows", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .required = true },
	[SIZE] = { .name = "size", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .required = true },
	NP_PARAMS_END,
};

static const char rows_of_text[] =
    "SELECT i, repeat('x', $2::int) AS text FROM generate_series(1, $1::int) AS i ORDER BY i";

static bool
list_rows(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, rows_of_text, NP_VALUES(np_arg(ctx, ROWS), np_arg(ctx, SIZE)))
	       && np_reply_page(ctx, rows, 1000000, NP_KEYS("i"));
}

static const struct np_route routes[] = {
	{ "POST", "/bulk/body", count_bytes, NP_TX_NONE, body_fields },
	{ "POST", "/bulk/document", echo_document, NP_TX_READ, body_fields },
	{ "POST", "/bulk/write", echo_document, NP_TX_WRITE, body_fields },
	{ "POST", "/bulk/items", count_items, NP_TX_READ, body_fields },
	{ "POST", "/bulk/form", count_form_bytes, NP_TX_NONE, form_fields, .form = true },
	{ "GET", "/bulk/rows", list_rows, NP_TX_READ, response_fields },
	{ "GET", "/bulk/cached", list_rows, NP_TX_READ, cached_fields,
	  .cache = "bulk:{rows}:{size}" },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "bulk", routes);
}
