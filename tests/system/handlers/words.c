/* words - a program of the tests: log lines, memory, and what a handler may ask about its request
 */
#include <string.h>

#include "nullpool.h"

static const struct np_setting word = { .name = "SECRET_WORD",
	                                .type = NP_TYPE_STRING,
	                                .secret = true };
static const struct np_param text = { .name = "text", .in = NP_IN_QUERY, .type = NP_TYPE_STRING };
static const struct np_param name = { .name = "name", .in = NP_IN_QUERY, .type = NP_TYPE_STRING };
static const struct np_param level = {
	.name = "level", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .max = 3, .default_value = "1"
};
static const struct np_param tags = {
	.name = "tag", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .max_items = 5
};
static const struct np_param size = { .name = "size",
	                              .in = NP_IN_QUERY,
	                              .type = NP_TYPE_INT,
	                              .max = 10000000,
	                              .default_value = "0" };

static bool
log_all(struct np_ctx *ctx)
{
	np_log(ctx, (enum np_level)np_arg(ctx, &level).integer, "payment refused",
	       NP_OBJECT({ "text", np_arg(ctx, &text) }, { "number", np_int(-7) },
	                 { "part", np_float(0.25) }, { "endless", np_float(1.0 / 0.0) },
	                 { "yes", np_bool(true) }, { "nothing", np_null() },
	                 { "tags", np_arg(ctx, &tags) },
	                 { "doc", np_json_object(ctx, NP_OBJECT({ "a", np_int(1) })) }));
	np_log(ctx, NP_LEVEL_INFO, "alone", NULL);
	return np_reply_empty(ctx);
}

static bool
log_event(struct np_ctx *ctx)
{
	np_log(ctx, NP_LEVEL_INFO, np_arg(ctx, &text).text, NULL);
	return np_reply_empty(ctx);
}

static bool
log_name(struct np_ctx *ctx)
{
	np_log(ctx, NP_LEVEL_INFO, "named", NP_OBJECT({ np_arg(ctx, &name).text, np_int(1) }));
	return np_reply_empty(ctx);
}

static bool
show(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_OBJECT({ "address", np_client_address(ctx) },
	                                 { "id", np_text(np_request_id(ctx)) },
	                                 { "remaining_ms", np_int(np_remaining_ms(ctx)) },
	                                 { "printed", np_text(np_printf(ctx, "%s-%d", "ü", 7)) }));
}

static bool
use_memory(struct np_ctx *ctx)
{
	size_t bytes = (size_t)np_arg(ctx, &size).integer;
	unsigned char *block = np_alloc(ctx, bytes);
	size_t set = 0;

	for (size_t i = 0; i < bytes; i++)
		set += block[i] != 0;
	memset(block, 1, bytes);
	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_OBJECT({ "set", np_int((int64_t)set) },
	                                 { "aligned", np_bool((uintptr_t)block % 16 == 0) }));
}

static const struct np_route routes[] = {
	{ .method = "POST",
	  .path = "/words/log",
	  .handle = log_all,
	  .params = NP_PARAMS(&text, &level, &tags),
	  .success = NP_STATUS_NO_CONTENT },
	{ .method = "POST",
	  .path = "/words/event",
	  .handle = log_event,
	  .params = NP_PARAMS(&text),
	  .success = NP_STATUS_NO_CONTENT },
	{ .method = "POST",
	  .path = "/words/name",
	  .handle = log_name,
	  .params = NP_PARAMS(&name),
	  .success = NP_STATUS_NO_CONTENT },
	{ .method = "GET", .path = "/words", .handle = show },
	{ .method = "GET",
	  .path = "/words/memory",
	  .handle = use_memory,
	  .params = NP_PARAMS(&size) },
};

int
main(int argc, char **argv)
{
	return np_main_with(argc, argv, "words", routes, NP_SETTINGS(&word));
}
