/* shop - a program of the tests: settings of its own */
#include "nullpool.h"

static const struct np_setting payment_key = { .name = "PAYMENT_KEY",
	                                       .type = NP_TYPE_STRING,
	                                       .required = true,
	                                       .secret = true,
	                                       .min = 8,
	                                       .max = 100 };
static const struct np_setting payment_mode = { .name = "PAYMENT_MODE",
	                                        .type = NP_TYPE_ENUM,
	                                        .choices = NP_NAMES("test", "live"),
	                                        .default_value = "test" };
static const struct np_setting most_items = {
	.name = "MOST_ITEMS", .type = NP_TYPE_INT, .min = 1, .max = 1000, .default_value = "20"
};
static const struct np_setting rate = { .name = "SHOP_RATE", .type = NP_TYPE_FLOAT };
static const struct np_setting is_open = { .name = "SHOP_OPEN",
	                                   .type = NP_TYPE_BOOL,
	                                   .default_value = "true" };
static const struct np_setting greeting = { .name = "GREETING", .type = NP_TYPE_STRING };
static const struct np_setting undeclared = { .name = "UNDECLARED", .type = NP_TYPE_STRING };

static bool
show(struct np_ctx *ctx)
{
	return np_reply_object(
	    ctx, NP_STATUS_OK,
	    NP_OBJECT({ "mode", np_setting(ctx, &payment_mode) },
	              { "index", np_int(np_setting(ctx, &payment_mode).integer) },
	              { "items", np_setting(ctx, &most_items) }, { "rate", np_setting(ctx, &rate) },
	              { "open", np_setting(ctx, &is_open) },
	              { "greeting", np_setting(ctx, &greeting) },
	              { "key", np_keyed_hash(ctx, "key", np_setting(ctx, &payment_key)) }));
}

static bool
tell(struct np_ctx *ctx)
{
	return np_fail(ctx, NP_ERROR_INTERNAL, "the key is %s", np_setting(ctx, &payment_key).text);
}

static bool
show_undeclared(struct np_ctx *ctx)
{
	return np_reply_json(ctx, NP_STATUS_OK, np_setting(ctx, &undeclared));
}

static const struct np_route routes[] = {
	{ .method = "GET", .path = "/shop", .handle = show },
	{ .method = "GET", .path = "/shop/tell", .handle = tell },
	{ .method = "GET", .path = "/shop/undeclared", .handle = show_undeclared },
};

int
main(int argc, char **argv)
{
	return np_main_with(
	    argc, argv, "shop", routes,
	    NP_SETTINGS(&payment_key, &payment_mode, &most_items, &rate, &is_open, &greeting));
}
