/* startup_check.h - what the log says when an endpoint starts: its settings, and its database
 *
 * The database is asked by a child, so that no connection stays in the master or in a worker.
 */
#ifndef NULLPOOL_SERVE_STARTUP_CHECK_H
#define NULLPOOL_SERVE_STARTUP_CHECK_H

#include "serve/child.h"

/* Logs "started" with the environment, the mode, the pool's limits and the redacted URLs. `sandbox`
 * is what sandbox_prepare() returned. */
void startup_check_log_settings(const struct settings *settings, const char *sandbox);

/* Forks a child that connects once, logs "database connected" with the server's version, or
 * "database not connected" with the reason, and disconnects. If the server answers, the connection
 * budget is logged too. run_dir is where the scoreboards of all endpoints are, or NULL.
 *
 * A program without permanent workers only logs its budget: it lets its database sleep too, and may
 * be started for each request. Returns the child's pid, or 0 if there is none. */
pid_t startup_check_fork(const struct inheritance *master, const char *run_dir);

#endif
