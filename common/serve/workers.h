/* workers.h - the master of an endpoint: keeps DATABASE_POOL_SIZE workers, and ends them in order
 *
 * It answers no request and holds no connection, so that nothing that must not be shared crosses a fork: each
 * worker makes its own app after it.
 */
#ifndef NULLPOOL_SERVE_WORKERS_H
#define NULLPOOL_SERVE_WORKERS_H

#include "base/attributes.h"
#include "config/settings.h"

struct workers_options {
	const char *name;
	const struct np_route *routes;
	const struct settings *settings;
	int listener;
};

/* Runs until SIGTERM or SIGINT; what is being answered is finished first. Returns the exit code. */
int workers_run(const struct workers_options *options);

#endif
