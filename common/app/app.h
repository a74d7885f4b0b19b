/* app.h - what a process holds for all its requests */
#ifndef NULLPOOL_APP_APP_H
#define NULLPOOL_APP_APP_H

#include "base/attributes.h"
#include "base/error.h"
#include "cache/cache.h"
#include "config/settings.h"
#include "db/connect.h"

/* What the pool of workers looks like now; serve/ fills it in. */
struct app_pool {
	int64_t size;
	int64_t overflow;
	int64_t checked_out; /* workers with a request in hand */
};

struct app {
	const char *name; /* of the endpoint */
	const struct np_route *routes;
	const struct settings *settings;
	struct connector *connector;
	struct cache *cache; /* NULL: none is configured */
	struct app_pool (*pool)(void);
	/* Told, when a request has found its route, what is in hand. */
	void (*describe)(const char *method, const char *route, const char *request_id);
};

/* Makes the connector and the cache; opens nothing. Names and settings are borrowed, the rest is owner's. */
NP_MUST_CHECK bool app_init(void *owner, struct app *app, const char *name, const struct np_route *routes,
                            const struct settings *settings, struct error *err);

/* One line: environment, mode, pool figures, redacted URL. */
void app_log_start(const struct app *app);

/* Connects once, logs "database connected" with versions or the reason why not, and disconnects. True: it is there,
 * and *connections is how many clients its server takes, less the reserved ones (0: it did not say). */
bool app_check_database(struct app *app, int64_t *connections);

#endif
