/* draining.h - the workers of earlier programs, which finish the requests that they have in hand
 *
 * A reload replaces the master's program and keeps its pid, so they are the new program's children.
 * It learns of them from the environment, waits for them, and ends one that hangs.
 */
#ifndef NULLPOOL_SERVE_DRAINING_H
#define NULLPOOL_SERVE_DRAINING_H

#include "serve/pool.h"

struct draining;

/* Reads the workers that an earlier program left to this one. */
RETURNS_OWNED struct draining *draining_read_environment(void *owner);

/* Leaves them, and the workers of the pool, to the program that is executed next. */
void draining_write_environment(const struct draining *draining, const struct pool *pool);
void draining_clear_environment(void);

/* Returns when draining_end_hung() is due. */
struct deadline draining_due(const struct draining *draining);
void draining_end_hung(struct draining *draining);

/* Returns when the last of them hangs if it is still there; an earlier program may have given its
 * requests more time. All zeros if there is none. */
struct deadline draining_last_hung_at(const struct draining *draining);

/* Sends SIGKILL to all. */
void draining_kill(const struct draining *draining);

/* Returns true if the child that ended was one of them. */
bool draining_on_child_exit(struct draining *draining, pid_t pid, int status);

#endif
