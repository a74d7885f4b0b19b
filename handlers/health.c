/* health - the state of the database and Redis, and two cheap probes for load balancers */
#include "nullpool.h"

static const struct np_route routes[] = { NP_HEALTH_ROUTES };

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "health", routes);
}
