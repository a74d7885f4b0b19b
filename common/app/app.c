#include "app/app.h"
#include "app/auth.h"
#include "app/fetch.h"
#include "app/response_cache.h"
#include "app/signing_keys.h"
#include "base/mem.h"
#include "http/client.h"

static struct app_pool
no_pool(void)
{
	return (struct app_pool){ .size = 0 };
}

/* A process that answers one request has one turn. */
static bool
may_always_explain(void)
{
	return true;
}

static void
no_description(const char *method, const char *route, const char *request_id)
{
	(void)method;
	(void)route;
	(void)request_id;
}

static void
ignore_request(const struct app *app, const struct request_stats *stats)
{
	(void)app;
	(void)stats;
}

static bool
no_spans(void)
{
	return false;
}

static bool
new_connector(void *owner, const struct settings *settings, const struct conninfo *info,
              struct connector **connector, struct error *err)
{
	const struct connector_options options = {
		.info = info,
		.mode = (enum connection_mode)settings->database_connection,
		.negotiation = (enum ssl_negotiation)settings->database_sslnegotiation,
		.pre_ping = settings->database_pool_pre_ping,
		.recycle_s = settings->database_pool_recycle_s,
		.connect_timeout_s = settings->database_connect_timeout_s,
		.ahead_ttl_s = settings->database_ahead_ttl_s,
	};

	return connector_new(owner, &options, connector, err);
}

/* Returns the use that the routes make of SECRET_KEY, for a message; NULL: none. */
static const char *
use_of_secret_key(const struct route_table *routes, const struct settings *settings)
{
	if (auth_is_used(routes) && !settings->jwt_jwks)
		return "a route requires an access token";
	if (settings->redis_url && response_cache_is_used(routes))
		return "responses are cached in Redis (REDIS_URL)";
	return NULL;
}

static bool
check_secret_key(const struct route_table *routes, const struct settings *settings,
                 struct error *err)
{
	const char *use = settings->secret_key ? NULL : use_of_secret_key(routes, settings);

	return !use
	       || error_set(err, FAILURE_INTERNAL,
	                    "SECRET_KEY: is required because %s;"
	                    " make one with: openssl rand -hex 32",
	                    use);
}

bool
app_init(void *owner, struct app *app, const char *name, const struct route_table *routes,
         const struct settings *settings, struct error *err)
{
	*app = (struct app){ .name = name,
		             .routes = routes,
		             .settings = settings,
		             .pool = no_pool,
		             .may_explain = may_always_explain,
		             .describe = no_description,
		             .wants_spans = no_spans,
		             .record_request = ignore_request };
	if (!check_secret_key(routes, settings, err))
		return false;
	/* Later a worker may not load a library. */
	if (fetch_is_used(routes) && !http_client_open(owner, &app->fetcher, err))
		return false;
	app->signing_keys = signing_keys_new(owner, settings);
	if (!new_connector(owner, settings, &settings->database, &app->connector, err))
		return false;
	if (settings->database_replica_url) {
		app->replica = mem_new(owner, struct replica);
		if (!new_connector(owner, settings, &settings->replica, &app->replica->connector,
		                   err))
			return false;
	}
	if (settings->redis_url)
		app->cache = cache_new(owner, &settings->redis, settings->redis_timeout_ms,
		                       settings->secret_key);
	return true;
}

void
app_prepare(const struct app *app)
{
	if (app_uses_database(app->routes))
		connector_load_tls(app->connector);
}

/* --- all connectors of the process --- */

/* Returns the primary's connector, then the replica's, then NULL. */
static struct connector *
nth_connector(const struct app *app, size_t n)
{
	if (n == 0)
		return app->connector;
	return n == 1 && app->replica ? app->replica->connector : NULL;
}

void
app_open_ahead(struct app *app)
{
	if (app->last_used)
		connector_open_ahead(app->last_used);
}

size_t
app_needs(const struct app *app, struct dial_need needs[APP_NEEDS_MAX])
{
	struct connector *connector;
	size_t count = 0;

	for (; (connector = nth_connector(app, count)) != NULL; count++)
		needs[count] = connector_need(connector);
	return count;
}

void
app_step(struct app *app)
{
	struct connector *connector;

	for (size_t i = 0; (connector = nth_connector(app, i)) != NULL; i++)
		connector_step(connector);
}

void
app_drop_ahead(struct app *app)
{
	struct connector *connector;

	for (size_t i = 0; (connector = nth_connector(app, i)) != NULL; i++)
		connector_drop_ahead(connector);
}

bool
app_is_tainted(const struct app *app)
{
	struct connector *connector;

	for (size_t i = 0; (connector = nth_connector(app, i)) != NULL; i++)
		if (connector_is_tainted(connector))
			return true;
	return false;
}

struct connector_totals
app_totals(const struct app *app)
{
	struct connector_totals sum = { .opened = 0 };
	struct connector *connector;

	for (size_t i = 0; (connector = nth_connector(app, i)) != NULL; i++) {
		const struct connector_totals *one = connector_totals(connector);

		sum.opened += one->opened;
		sum.ahead_used += one->ahead_used;
		sum.ahead_wasted += one->ahead_wasted;
		for (size_t why = 0; why < CONNECT_FAILURE__MAX; why++)
			sum.failed[why] += one->failed[why];
	}
	return sum;
}

bool
app_uses_database(const struct route_table *routes)
{
	for (size_t i = 0; i < routes->count; i++)
		if (routes->items[i].tx != NP_TX_NONE)
			return true;
	return false;
}

enum connector_ahead
app_ahead(const struct app *app)
{
	enum connector_ahead furthest = AHEAD_NONE;
	struct connector *connector;

	for (size_t i = 0; (connector = nth_connector(app, i)) != NULL; i++)
		if (connector_ahead(connector) > furthest)
			furthest = connector_ahead(connector);
	return furthest;
}
