/* health - the state of the database and Redis, and two cheap probes for load balancers */
#include "nullpool.h"

#define STATE .type = NP_TYPE_ENUM, .choices = NP_CHOICES("healthy", "unhealthy")
#define REDIS_STATE \
	.type = NP_TYPE_ENUM, .choices = NP_CHOICES("connected", "disconnected", "disabled")

/* `components` is there with HEALTH_DETAILS only. */
static const struct np_param health_members[] = {
	{ .name = "status", STATE },
	{ .name = "service", .type = NP_TYPE_STRING, .example = "my-api" },
	{ .name = "version", .type = NP_TYPE_STRING, .example = NP_VERSION },
	{ .name = "environment",
	  .type = NP_TYPE_ENUM,
	  .choices = NP_CHOICES("development", "testing", "production") },
	{ .name = "api", .type = NP_TYPE_ENUM, .choices = NP_CHOICES("operational") },
	{ .name = "database",
	  .type = NP_TYPE_ENUM,
	  .choices = NP_CHOICES("connected", "disconnected") },
	{ .name = "redis", REDIS_STATE },
	{ .name = "components.api.status",
	  .type = NP_TYPE_ENUM,
	  .choices = NP_CHOICES("operational"),
	  .optional = true },
	{ .name = "components.database.status", STATE, .optional = true },
	{ .name = "components.database.mode",
	  .type = NP_TYPE_ENUM,
	  .choices = NP_CHOICES("null", "ahead", "persistent"),
	  .optional = true },
	{ .name = "components.database.latency_ms", .type = NP_TYPE_FLOAT, .optional = true },
	{ .name = "components.database.tls",
	  .type = NP_TYPE_STRING,
	  .nullable = true,
	  .example = "TLSv1.3",
	  .optional = true },
	{ .name = "components.database.pool_size", .type = NP_TYPE_INT, .optional = true },
	{ .name = "components.database.pool_overflow", .type = NP_TYPE_INT, .optional = true },
	{ .name = "components.database.pool_checked_out", .type = NP_TYPE_INT, .optional = true },
	{ .name = "components.redis.status", REDIS_STATE, .optional = true },
	NP_PARAMS_END,
};
static const struct np_schema health_schema = { "Health", health_members };

static const struct np_param probe_members[] = {
	{ .name = "status", .type = NP_TYPE_ENUM, .choices = NP_CHOICES("alive", "ready") },
	NP_PARAMS_END,
};
static const struct np_schema probe_schema = { "Probe", probe_members };

static const struct np_route routes[] = {
	{ "GET", "/health", np_health, NP_TX_READ, NULL, "The state of the database and Redis",
	  .no_store = true, .lenient = true, .returns = &health_schema },
	{ "GET", "/health/live", np_health_live, NP_TX_NONE, NULL, "The process answers",
	  .no_store = true, .lenient = true, .returns = &probe_schema },
	{ "GET", "/health/ready", np_health_ready, NP_TX_NONE, NULL, "Ready for requests",
	  .no_store = true, .lenient = true, .returns = &probe_schema },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "health", routes);
}
