/* metrics - the counters of all endpoints, for Prometheus; nginx serves them to this machine only
 */
#include "nullpool.h"

static const struct np_route routes[] = {
	{ "GET", "/metrics", np_metrics, NP_TX_NONE, NULL,
	  "Counters of all endpoints, for Prometheus", .no_store = true, .lenient = true },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "metrics", routes);
}
