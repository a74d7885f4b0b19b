/* health - for load balancers and people: database and Redis, and the two cheap probes */
#include "nullpool.h"

static const struct np_route routes[] = {
	{ "GET", "/health", np_health, NP_TX_READ, NULL, "Database and Redis, asked now", .report = true,
	  .lenient = true },
	{ "GET", "/health/live", np_health_live, NP_TX_NONE, NULL, "The process answers", .report = true,
	  .lenient = true },
	{ "GET", "/health/ready", np_health_ready, NP_TX_NONE, NULL, "Requests may be sent here",
	  .report = true, .lenient = true },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "health", routes);
}
