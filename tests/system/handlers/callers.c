/* callers - a program of the tests: who may call a route, in each way that a table can say it */
#include "callers.sql.h"
#include "nullpool.h"

static bool
show_caller(struct np_ctx *ctx)
{
	return np_answer(ctx, caller_row(np_caller(ctx), np_bool(np_has_scope(ctx, "admin"))));
}

/* Makes no query, so nothing asks whether the session is live. */
static bool
show_without_query(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "caller", np_caller(ctx) }));
}

static const struct np_param number = {
	.name = "number", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .required = true
};

static const struct np_route routes[] = {
	{ .method = "GET",
	  .path = "/callers/anybody",
	  .handle = show_caller,
	  .tx = NP_TX_READ,
	  .auth = NP_AUTH_OPTIONAL },
	{ .method = "GET",
	  .path = "/callers/anybody/without-query",
	  .handle = show_without_query,
	  .auth = NP_AUTH_OPTIONAL },
	{ .method = "GET",
	  .path = "/callers/admin",
	  .handle = show_caller,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&number),
	  .auth = NP_AUTH_USER,
	  .require = "admin" },
	{ .method = "GET",
	  .path = "/callers/paper",
	  .handle = show_caller,
	  .tx = NP_TX_READ,
	  .auth = NP_AUTH_USER,
	  .require = "admin" },
	{ .method = "PUT",
	  .path = "/callers/paper",
	  .handle = show_caller,
	  .tx = NP_TX_WRITE,
	  .auth = NP_AUTH_OPTIONAL },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "callers", routes);
}
