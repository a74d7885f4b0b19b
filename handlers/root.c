/* root - GET /: the name, state and version of the application */
#include "nullpool.h"

static bool
show_root(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_OBJECT({ "message", np_text(np_app_name(ctx)) },
	                                 { "status", np_text("running") },
	                                 { "version", np_text(NP_VERSION) }));
}

static const struct np_param message = { .name = "message",
	                                 .type = NP_TYPE_STRING,
	                                 .description = "The application's name",
	                                 .example = "my-api" };
static const struct np_param status = { .name = "status",
	                                .type = NP_TYPE_STRING,
	                                .example = "running" };
static const struct np_param version = { .name = "version",
	                                 .type = NP_TYPE_STRING,
	                                 .example = NP_VERSION };
static const struct np_schema schema = { .name = "Root",
	                                 .members = NP_PARAMS(&message, &status, &version) };

static const struct np_route routes[] = {
	{ .method = "GET",
	  .path = "/",
	  .handle = show_root,
	  .tx = NP_TX_NONE,
	  .lenient = true,
	  .returns = &schema,
	  .docs = { .summary = "Name, state and version of the application" } },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "root", routes);
}
