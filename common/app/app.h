/* app.h - what one process of an endpoint holds for all its requests
 *
 * A process has one struct app: its routes and settings, its connectors, its cache, and hooks. A
 * hook is how app/ reaches the program that runs it, since an include never goes up. app_init()
 * sets hooks that suit a process which answers one request and ends; a worker of serve/ replaces
 * them.
 */
#ifndef NULLPOOL_APP_APP_H
#define NULLPOOL_APP_APP_H

#include "base/attributes.h"
#include "base/error.h"
#include "cache/cache.h"
#include "config/settings.h"
#include "db/connect.h"
#include "db/session.h"
#include "http/route.h"

/* The state of the endpoint's worker pool, for /health. */
struct app_pool {
	int64_t size;
	int64_t overflow;    /* workers beyond size */
	int64_t checked_out; /* workers that are answering a request */
};

struct http_client;
struct signing_keys;
struct request_stats;
struct request_spans;

struct app {
	const char *name; /* of the endpoint */
	const struct route_table *routes;
	const struct settings *settings;
	struct connector *connector;       /* to the primary */
	struct replica *replica;           /* for reads; NULL: none is configured */
	struct connector *last_used;       /* by the last request; NULL: it used none */
	struct cache *cache;               /* NULL: none is configured */
	struct http_client *fetcher;       /* of np_fetch(); NULL: no route fetches */
	struct signing_keys *signing_keys; /* of another issuer; NULL: none is configured */

	/* Hooks. */
	struct app_pool (*pool)(void);
	/* Returns true if the plan of a slow statement may be asked for now. True uses up the turn:
	 * the next one is a minute later. */
	bool (*may_explain)(void);
	/* Called when a request has found its route. */
	void (*describe)(const char *method, const char *route, const char *request_id);
	/* Returns true if the spans of a request are wanted now. */
	bool (*wants_spans)(void);
	/* Takes the spans of a request. */
	void (*export_spans)(const struct request_spans *spans);
	/* Counts a request, after its reply has been sent. */
	void (*record_request)(const struct app *app, const struct request_stats *stats);
};

/* Makes the connectors and the cache, without connecting. `name`, `routes` and `settings` are
 * borrowed; what is made belongs to owner. Fails if the routes need a setting that is missing. */
NP_MUST_CHECK bool app_init(void *owner, struct app *app, const char *name,
                            const struct route_table *routes, const struct settings *settings,
                            struct error *err);

/* Loads the libraries that a database connection needs, for a process that is about to lose the
 * right to open files. */
void app_prepare(const struct app *app);

/* Returns true if any route uses the database. */
bool app_uses_database(const struct route_table *routes);

/* Returns true if a fresh process may connect where this one cannot, see connector_is_tainted(). */
bool app_is_tainted(const struct app *app);

/* Returns the sum of what the process's connectors did. */
struct connector_totals app_totals(const struct app *app);

/* --- connections opened ahead, while a process waits for a request --- */

#define APP_NEEDS_MAX 2 /* primary and replica */

/* In mode ahead, begins to open a connection of the kind that the last request used, if it used
 * one. */
void app_open_ahead(struct app *app);

/* Writes what to wait for into `needs` and returns their number. Call app_step() when one of them
 * is ready or its time has passed. */
size_t app_needs(const struct app *app, struct dial_need needs[APP_NEEDS_MAX]);
void app_step(struct app *app);

/* Stops opening, and closes connections that were opened but not used. */
void app_drop_ahead(struct app *app);

/* Returns the state of the connection that is closest to being ready. */
enum connector_ahead app_ahead(const struct app *app);

#endif
