/* health_schema.c - what health.c replies with, for the OpenAPI document */
#include "base/attributes.h"

#define STATE .type = NP_TYPE_ENUM, .choices = NP_NAMES("healthy", "unhealthy")
#define REDIS_STATE \
	.type = NP_TYPE_ENUM, .choices = NP_NAMES("connected", "disconnected", "disabled")

static const struct np_param state = { .name = "status", STATE };
static const struct np_param service = { .name = "service",
	                                 .type = NP_TYPE_STRING,
	                                 .example = "my-api" };
static const struct np_param version = { .name = "version",
	                                 .type = NP_TYPE_STRING,
	                                 .example = NP_VERSION };
static const struct np_param environment = { .name = "environment",
	                                     .type = NP_TYPE_ENUM,
	                                     .choices = NP_NAMES("development", "testing",
	                                                         "production") };
static const struct np_param api = { .name = "api",
	                             .type = NP_TYPE_ENUM,
	                             .choices = NP_NAMES("operational") };
static const struct np_param database = { .name = "database",
	                                  .type = NP_TYPE_ENUM,
	                                  .choices = NP_NAMES("connected", "disconnected") };
static const struct np_param redis = { .name = "redis", REDIS_STATE };

/* `components` is there with HEALTH_DETAILS only. */
static const struct np_param api_state = { .name = "components.api.status",
	                                   .type = NP_TYPE_ENUM,
	                                   .choices = NP_NAMES("operational"),
	                                   .optional = true };
static const struct np_param database_state = { .name = "components.database.status",
	                                        STATE,
	                                        .optional = true };
static const struct np_param mode = { .name = "components.database.mode",
	                              .type = NP_TYPE_ENUM,
	                              .choices = NP_NAMES("null", "ahead", "persistent"),
	                              .optional = true };
static const struct np_param latency = { .name = "components.database.latency_ms",
	                                 .type = NP_TYPE_FLOAT,
	                                 .optional = true };
static const struct np_param tls = { .name = "components.database.tls",
	                             .type = NP_TYPE_STRING,
	                             .nullable = true,
	                             .example = "TLSv1.3",
	                             .optional = true };
static const struct np_param pool_size = { .name = "components.database.pool_size",
	                                   .type = NP_TYPE_INT,
	                                   .optional = true };
static const struct np_param pool_overflow = { .name = "components.database.pool_overflow",
	                                       .type = NP_TYPE_INT,
	                                       .optional = true };
static const struct np_param pool_checked_out = { .name = "components.database.pool_checked_out",
	                                          .type = NP_TYPE_INT,
	                                          .optional = true };
static const struct np_param redis_state = { .name = "components.redis.status",
	                                     REDIS_STATE,
	                                     .optional = true };

const struct np_schema np_health_schema = {
	.name = "Health",
	.members = NP_PARAMS(&state, &service, &version, &environment, &api, &database, &redis,
	                     &api_state, &database_state, &mode, &latency, &tls, &pool_size,
	                     &pool_overflow, &pool_checked_out, &redis_state)
};

static const struct np_param probe = { .name = "status",
	                               .type = NP_TYPE_ENUM,
	                               .choices = NP_NAMES("alive", "ready") };

const struct np_schema np_probe_schema = { .name = "Probe", .members = NP_PARAMS(&probe) };
