/* reload.h - SIGHUP: the program file again, with the settings as they are now, on the same socket
 *
 * First a child runs the new file with --check. If that ends with 0, the master executes the new
 * file in its own place: same pid, same socket, and signals stay blocked, so none is lost.
 * Otherwise the old program goes on. The old workers finish what they have; the new program waits
 * for them (draining.h).
 */
#ifndef NULLPOOL_SERVE_RELOAD_H
#define NULLPOOL_SERVE_RELOAD_H

#include "serve/draining.h"

/* The check of the new program. All zeros if none runs. */
struct reload {
	pid_t check;
	struct deadline check_by; /* it is killed then */
	bool again; /* SIGHUP came while the check ran, which may have seen what is old by now */
};

/* Remembers which file this program is, before anybody can replace it. */
void reload_remember(void *owner, const char *argv0);

/* Starts the check, or asks for another one after the one that runs. */
void reload_start(struct reload *reload, const struct inheritance *master);

/* Returns when the check has run for too long, and reload_stop() is due. */
struct deadline reload_due(const struct reload *reload);
void reload_stop(struct reload *reload);

/* The check has ended. Returns true if the new program may take over; otherwise the reason is
 * logged, or another check is started. */
bool reload_is_ready(struct reload *reload, const struct inheritance *master, int status);

/* Executes the new program in place of this one, and leaves it the workers. Returns only on failure
 * (logged); the workers have been told to end by then. */
void reload_exec(const struct pool *pool, const struct draining *draining);

#endif
