/* startup_check.h - what the log says when an endpoint starts: its settings, and its database */
#ifndef NULLPOOL_SERVE_STARTUP_CHECK_H
#define NULLPOOL_SERVE_STARTUP_CHECK_H

#include "app/app.h"

/* Logs "started" with the environment, the mode, the pool's limits and the redacted URLs. `sandbox`
 * is what sandbox_prepare() returned. */
void startup_check_log_settings(const struct settings *settings, const char *sandbox);

/* Connects once, logs "database connected" with the server's version or "database not connected"
 * with the reason, and disconnects. If the server answers, the connection budget is logged too;
 * run_dir is where the scoreboards of all endpoints are, or NULL. */
void startup_check_database(const struct app *app, const char *run_dir);

#endif
