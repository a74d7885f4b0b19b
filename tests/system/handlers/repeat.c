/* repeat - has arguments of all places and types, to compare two requests that have the same
 * Idempotency-Key */
#include "nullpool.h"

static const char new_row[] =
    "INSERT INTO probe_rows (label) VALUES ('repeat-' || $1) RETURNING id";

enum { LABEL, NOTE, NUMBER, NUMBERS, DATA, MARK, TENANT };
static const struct np_param fields[] = {
	[LABEL] = { .name = "label",
	            .in = NP_IN_BODY,
	            .type = NP_TYPE_STRING,
	            .required = true,
	            .max = 100 },
	[NOTE] = { .name = "note",
	           .in = NP_IN_BODY,
	           .type = NP_TYPE_STRING,
	           .nullable = true,
	           .max = 100 },
	[NUMBER] = { .name = "number", .in = NP_IN_BODY, .type = NP_TYPE_FLOAT },
	[NUMBERS] = { .name = "numbers", .in = NP_IN_BODY, .type = NP_TYPE_INT, .max_items = 5 },
	[DATA] = { .name = "data", .in = NP_IN_BODY, .type = NP_TYPE_JSON, .nullable = true },
	[MARK] = { .name = "mark",
	           .in = NP_IN_QUERY,
	           .type = NP_TYPE_STRING,
	           .default_value = "none",
	           .max = 100 },
	[TENANT] = { .name = "x-tenant", .in = NP_IN_HEADER, .type = NP_TYPE_STRING, .max = 100 },
	NP_PARAMS_END,
};

static bool
insert(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(np_last(ctx), &row, new_row, NP_VALUES(np_arg(ctx, LABEL)))
	       && np_reply_object(
	           ctx, NP_STATUS_CREATED,
	           NP_MEMBERS({ "id", np_field(row, 0, "id") }, { "tenant", np_arg(ctx, TENANT) }));
}

/* A reader of the database must not find the token. */
static bool
insert_secret(struct np_ctx *ctx)
{
	struct np_value token = np_random_token(ctx);
	struct np_rows *row;

	return np_query_one(np_last(ctx), &row, new_row, NP_VALUES(np_arg(ctx, LABEL)))
	       && np_reply_object(ctx, NP_STATUS_CREATED, NP_MEMBERS({ "token", token }));
}

/* Without np_last(): the reply itself is kept. */
static bool
insert_unmarked(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, new_row, NP_VALUES(np_arg(ctx, LABEL)))
	       && np_reply_row(ctx, NP_STATUS_CREATED, row);
}

static const struct np_param label_only[] = {
	[LABEL] = { .name = "label",
	            .in = NP_IN_BODY,
	            .type = NP_TYPE_STRING,
	            .required = true,
	            .max = 100 },
	NP_PARAMS_END,
};

static const struct np_route routes[] = {
	{ .method = "POST",
	  .path = "/repeat",
	  .handle = insert,
	  .tx = NP_TX_WRITE,
	  .params = fields,
	  .summary = "A row" },
	{ .method = "POST",
	  .path = "/repeat/secret",
	  .handle = insert_secret,
	  .tx = NP_TX_WRITE,
	  .params = label_only,
	  .summary = "A row and a secret" },
	{ .method = "POST",
	  .path = "/repeat/unmarked",
	  .handle = insert_unmarked,
	  .tx = NP_TX_WRITE,
	  .params = label_only,
	  .summary = "A row without np_last()" },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "repeat", routes);
}
