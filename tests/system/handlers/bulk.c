/* bulk - large input and large responses, for tests/system/test_memory.py */
#include <string.h>

#include "bulk.sql.h"

#define LIST_MAX 1000000

static const struct np_param email = { .name = "email", .in = NP_IN_BODY, .type = NP_TYPE_EMAIL };
static const struct np_param text = { .name = "text", .in = NP_IN_BODY, .type = NP_TYPE_STRING };
static const struct np_param anything = { .name = "anything",
	                                  .in = NP_IN_BODY,
	                                  .type = NP_TYPE_JSON };
static const struct np_param object = { .name = "object",
	                                .in = NP_IN_BODY,
	                                .type = NP_TYPE_OBJECT };
static const struct np_param numbers = {
	.name = "numbers", .in = NP_IN_BODY, .type = NP_TYPE_INT, .max_items = LIST_MAX
};
static const struct np_param texts = {
	.name = "texts", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .max_items = LIST_MAX
};
static const struct np_param ids = {
	.name = "ids", .in = NP_IN_BODY, .type = NP_TYPE_UUID, .max_items = LIST_MAX
};
static const struct np_param inner = {
	.name = "outer.inner", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .max = 10
};
static const struct np_param sku = { .name = "sku", .in = NP_IN_BODY, .type = NP_TYPE_STRING };
static const struct np_param quantity = {
	.name = "quantity", .in = NP_IN_BODY, .type = NP_TYPE_INT, .default_value = "1"
};
static const struct np_param lines = { .name = "lines",
	                               .in = NP_IN_BODY,
	                               .type = NP_TYPE_OBJECT,
	                               .max_items = LIST_MAX,
	                               .members = NP_PARAMS(&sku, &quantity) };
#define BODY_FIELDS \
	NP_PARAMS(&email, &text, &anything, &object, &numbers, &texts, &ids, &inner, &lines)

static bool
count_bytes(struct np_ctx *ctx)
{
	const struct np_params *body = BODY_FIELDS;
	size_t bytes = 0;

	for (size_t i = 0; i < body->count; i++) {
		const char *sent = np_arg(ctx, body->items[i]).text;

		bytes += sent ? strlen(sent) : 0;
	}
	return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "bytes", np_int((int64_t)bytes) }));
}

/* Sends a document to Postgres and back. */
static bool
echo_document(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, same_document(np_arg(ctx, &anything)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
count_items(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, item_count(np_arg(ctx, &numbers)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static const struct np_param first = { .name = "first", .in = NP_IN_BODY, .type = NP_TYPE_STRING };
static const struct np_param second = { .name = "second", .in = NP_IN_BODY, .type = NP_TYPE_INT };

static bool
count_form_bytes(struct np_ctx *ctx)
{
	const char *sent = np_arg(ctx, &first).text;

	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_OBJECT({ "bytes", np_int(sent ? (int64_t)strlen(sent) : 0) }));
}

static const struct np_param file = { .name = "file", .in = NP_IN_BODY, .type = NP_TYPE_FILE };

static bool
count_files(struct np_ctx *ctx)
{
	const char *bytes = np_arg(ctx, &file).text;

	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_OBJECT({ "bytes", np_int(bytes ? (int64_t)strlen(bytes) : 0) }));
}

static bool
count_raw(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_OBJECT({ "bytes", np_int((int64_t)np_body(ctx).size) }));
}

static bool
count_json(struct np_ctx *ctx)
{
	return np_reply_object(
	    ctx, NP_STATUS_OK,
	    NP_OBJECT({ "bytes", np_int((int64_t)strlen(np_body_json(ctx).text)) }));
}

static const struct np_param row_count = { .name = "rows",
	                                   .in = NP_IN_QUERY,
	                                   .type = NP_TYPE_INT,
	                                   .min = 1,
	                                   .max = 1000000,
	                                   .default_value = "1" };
static const struct np_param size = { .name = "size",
	                              .in = NP_IN_QUERY,
	                              .type = NP_TYPE_INT,
	                              .min = 1,
	                              .max = 8000000,
	                              .default_value = "1" };
static const struct np_param tags = {
	.name = "tag", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .max_items = 64
};

static bool
list_rows(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, rows_of_text(np_arg(ctx, &size), np_arg(ctx, &row_count)))
	       && np_reply_page(ctx, rows, 1000000, NP_NAMES("i"));
}

static const struct np_route routes[] = {
	{ .method = "POST", .path = "/bulk/raw", .handle = count_raw, .body = NP_BODY_RAW },
	{ .method = "POST", .path = "/bulk/json", .handle = count_json, .body = NP_BODY_JSON },
	{ .method = "POST",
	  .path = "/bulk/files",
	  .handle = count_files,
	  .body = NP_BODY_MULTIPART,
	  .params = NP_PARAMS(&first, &file) },
	{ .method = "POST",
	  .path = "/bulk/body",
	  .handle = count_bytes,
	  .tx = NP_TX_NONE,
	  .params = BODY_FIELDS },
	{ .method = "POST",
	  .path = "/bulk/document",
	  .handle = echo_document,
	  .tx = NP_TX_READ,
	  .params = BODY_FIELDS },
	{ .method = "POST",
	  .path = "/bulk/write",
	  .handle = echo_document,
	  .tx = NP_TX_WRITE,
	  .params = BODY_FIELDS },
	{ .method = "POST",
	  .path = "/bulk/items",
	  .handle = count_items,
	  .tx = NP_TX_READ,
	  .params = BODY_FIELDS },
	{ .method = "POST",
	  .path = "/bulk/form",
	  .handle = count_form_bytes,
	  .tx = NP_TX_NONE,
	  .params = NP_PARAMS(&first, &second),
	  .form = true },
	{ .method = "GET",
	  .path = "/bulk/rows",
	  .handle = list_rows,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&row_count, &size, &tags) },
	{ .method = "GET",
	  .path = "/bulk/cached",
	  .handle = list_rows,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&row_count, &size),
	  .cache = { .key = "bulk:{rows}:{size}" } },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "bulk", routes);
}
