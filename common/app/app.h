/* app.h - what a process holds for all its requests */
#ifndef NULLPOOL_APP_APP_H
#define NULLPOOL_APP_APP_H

#include "base/attributes.h"
#include "base/error.h"
#include "cache/cache.h"
#include "config/settings.h"
#include "db/connect.h"
#include "db/replica.h"

/* What the pool of workers looks like now; serve/ fills it in. */
struct app_pool {
	int64_t size;
	int64_t overflow;
	int64_t checked_out; /* workers with a request in hand */
};

struct request_stats;
struct request_spans;

struct app {
	const char *name; /* of the endpoint */
	const struct np_route *routes;
	const struct settings *settings;
	struct connector *connector;
	struct replica *replica;  /* for reads; NULL: none is configured */
	struct connector *recent; /* the one that the last request used; NULL: none */
	struct cache *cache;      /* NULL: none is configured */
	struct app_pool (*pool)(void);
	/* Whether it is time to ask for the plan of a slow statement, which takes the turn. */
	bool (*may_explain)(void);
	/* Told, when a request has found its route, what is in hand. */
	void (*describe)(const char *method, const char *route, const char *request_id);
	/* Returns true if the spans of requests are wanted now; and what takes those of a request.
	 */
	bool (*wants_spans)(void);
	void (*export_spans)(const struct request_spans *spans);
	/* Counts a request, after its reply has been sent. */
	void (*record_request)(const struct app *app, const struct request_stats *stats);
};

/* Makes the connectors and the cache; opens nothing. Names and settings are borrowed, the rest is
 * owner's. */
NP_MUST_CHECK bool app_init(void *owner, struct app *app, const char *name,
                            const struct np_route *routes, const struct settings *settings,
                            struct error *err);

/* Loads what a connection to the database will need of libraries; for a process that soon cannot.
 */
void app_prepare(const struct app *app);

/* --- while a process waits for work --- */

#define APP_NEEDS_MAX 2 /* database and replica */

/* After a request, in mode ahead: begins to open the connection of the next one, if this one used
 * any. */
void app_open_ahead(struct app *app);

/* What is to be waited for besides, and app_step() to be called after; returns how many. */
size_t app_needs(const struct app *app, struct dial_need needs[APP_NEEDS_MAX]);
void app_step(struct app *app);

/* Stops opening, or closes what was opened unused. */
void app_drop_ahead(struct app *app);

/* Whether the process had better make room for a fresh one, see connector_is_tainted(). */
bool app_is_tainted(const struct app *app);

/* What the process's connectors did, together. */
struct connector_totals app_totals(const struct app *app);

/* Whether any route uses a database; a program without one asks for no connection. */
bool app_uses_database(const struct np_route *routes);

/* The furthest of what is opened ahead. */
enum connector_ahead app_ahead(const struct app *app);

#endif
