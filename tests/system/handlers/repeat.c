/* repeat - has arguments of all places and types, to compare two requests that have the same
 * Idempotency-Key */
#include "repeat.sql.h"

static const struct np_param label = {
	.name = "label", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .required = true, .max = 100
};
static const struct np_param note = {
	.name = "note", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .nullable = true, .max = 100
};
static const struct np_param number = { .name = "number", .in = NP_IN_BODY, .type = NP_TYPE_FLOAT };
static const struct np_param numbers = {
	.name = "numbers", .in = NP_IN_BODY, .type = NP_TYPE_INT, .max_items = 5
};
static const struct np_param rates = {
	.name = "rates", .in = NP_IN_BODY, .type = NP_TYPE_FLOAT, .max_items = 5
};
static const struct np_param data = {
	.name = "data", .in = NP_IN_BODY, .type = NP_TYPE_JSON, .nullable = true
};
static const struct np_param mark = { .name = "mark",
	                              .in = NP_IN_QUERY,
	                              .type = NP_TYPE_STRING,
	                              .default_value = "none",
	                              .max = 100 };
static const struct np_param tenant = {
	.name = "x-tenant", .in = NP_IN_HEADER, .type = NP_TYPE_STRING, .max = 100
};
#define FIELDS NP_PARAMS(&label, &note, &number, &numbers, &rates, &data, &mark, &tenant)

static bool
insert(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_last(ctx, &row, new_row(np_arg(ctx, &label)))
	       && np_reply_object(
	           ctx, NP_STATUS_CREATED,
	           NP_OBJECT({ "id", np_field(row, 0, "id") }, { "tenant", np_arg(ctx, &tenant) }));
}

/* A reader of the database must not find the token. */
static bool
insert_secret(struct np_ctx *ctx)
{
	struct np_value token = np_random_token(ctx);
	struct np_rows *row;

	return np_query_last(ctx, &row, new_row(np_arg(ctx, &label)))
	       && np_reply_object(ctx, NP_STATUS_CREATED, NP_OBJECT({ "token", token }));
}

/* Without np_answer(): the response is stored. */
static bool
insert_unmarked(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, new_row(np_arg(ctx, &label)))
	       && np_reply_row(ctx, NP_STATUS_CREATED, row);
}

static const struct np_route routes[] = {
	{ .method = "POST",
	  .path = "/repeat",
	  .handle = insert,
	  .tx = NP_TX_WRITE,
	  .params = FIELDS,
	  .docs = { .summary = "A row" } },
	{ .method = "POST",
	  .path = "/repeat/secret",
	  .handle = insert_secret,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label),
	  .docs = { .summary = "A row and a secret" } },
	{ .method = "POST",
	  .path = "/repeat/unmarked",
	  .handle = insert_unmarked,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label),
	  .docs = { .summary = "A row without np_answer()" } },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "repeat", routes);
}
