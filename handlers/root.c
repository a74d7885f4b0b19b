/* root - GET /: what this is, and that it runs */
#include "nullpool.h"

static bool
show_root(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_OK,
	                       NP_MEMBERS({ "message", np_text(np_app_name(ctx)) },
	                                  { "status", np_text("running") },
	                                  { "version", np_text(NP_VERSION) }));
}

static const struct np_route routes[] = {
	{ "GET", "/", show_root, NP_TX_NONE, NULL, .summary = "Name, state and version of the application",
	  .lenient = true },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "root", routes);
}
