/* metrics - the counters of all endpoints, for Prometheus; nginx serves them to this machine only
 */
#include "nullpool.h"

static const struct np_route routes[] = { NP_METRICS_ROUTE };

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "metrics", routes);
}
