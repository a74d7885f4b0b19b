/* root - GET /: the name, state and version of the application */
#include "nullpool.h"

static bool
show_root(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_MEMBERS({ "message", np_text(np_app_name(ctx)) },
	                                  { "status", np_text("running") },
	                                  { "version", np_text(NP_VERSION) }));
}

static const struct np_param members[] = {
	{ .name = "message",
	  .type = NP_TYPE_STRING,
	  .description = "The application's name",
	  .example = "my-api" },
	{ .name = "status", .type = NP_TYPE_STRING, .example = "running" },
	{ .name = "version", .type = NP_TYPE_STRING, .example = NP_VERSION },
	NP_PARAMS_END,
};
static const struct np_schema schema = { "Root", members };

static const struct np_route routes[] = {
	{ "GET", "/", show_root, NP_TX_NONE, NULL,
	  .summary = "Name, state and version of the application", .lenient = true,
	  .returns = &schema },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "root", routes);
}
