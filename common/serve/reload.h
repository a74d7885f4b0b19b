/* reload.h - SIGHUP: the program file again, with the settings as they are now, on the same socket
 *
 * First a child runs the new file with --check. Only when that ends with 0 does the master put the
 * new program in its own place (same pid, same socket, signals stay blocked and are not lost);
 * otherwise the old one goes on. The old workers finish what they have and are waited for by the
 * new program.
 */
#ifndef NULLPOOL_SERVE_RELOAD_H
#define NULLPOOL_SERVE_RELOAD_H

#include <sys/types.h>

#include "serve/pool.h"

/* Remembers which file this is, before anybody can replace it. */
void reload_remember(void *owner, const char *argv0);

/* Starts the check; its pid, or -1 (logged). */
pid_t reload_check(const struct pool *pool);

/* A worker of an earlier program, which finishes what it has in hand. */
struct leftover {
	pid_t pid;       /* 0 ends a list; -1: it has ended */
	int64_t kill_us; /* of clock_now_us(), which an exec does not change */
	bool asked;      /* to say where it hangs */
};

/* Becomes the new program, to which the workers and `leftovers` are left. Returns only if that
 * could not be done (logged). */
void reload_exec(struct pool *pool, const struct leftover *leftovers);

/* Those that an earlier program left to this one; belongs to owner. */
struct leftover *reload_leftovers(void *owner);

#endif
