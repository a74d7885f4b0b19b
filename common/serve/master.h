/* master.h - the process that holds an endpoint's pool together
 *
 * It parses no request and holds no connection. It sleeps until a signal, the end of a child, a
 * connection that no worker takes, or the next of its timers (the table in master.c). A worker that
 * becomes the last busy one wakes it to watch the listener.
 *
 * SIGTERM, SIGINT: the workers finish what they are answering; what waits in the socket is left to
 * whoever holds it next. SIGHUP: see reload.h. Signals are blocked and read from a descriptor, so
 * none can come at a wrong moment.
 */
#ifndef NULLPOOL_SERVE_MASTER_H
#define NULLPOOL_SERVE_MASTER_H

#include "config/settings.h"
#include "http/route.h"

struct master_options {
	const char *name;
	const struct route_table *routes;
	const struct settings *settings;
	int listener;
	const char *argv0;
};

/* Call this before anything else: from then on no signal can come at a wrong moment. */
void master_block_signals(void);

/* Returns the exit code. */
int master_run(const struct master_options *options);

#endif
