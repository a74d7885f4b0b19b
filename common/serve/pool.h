/* pool.h - how many workers there are, and when one is forked, replaced, or killed
 *
 * DATABASE_POOL_SIZE workers are permanent. Up to DATABASE_MAX_OVERFLOW more are forked while
 * connections wait and no worker is idle; they leave when they have been idle for a while. A worker
 * that dies young delays its successor, longer each time (100 ms to 10 s), until one lives.
 *
 * A worker hangs if it is 2 s past its request's deadline, or if it is idle and takes no connection
 * although one waits. It is then ended as abort_grace.h says.
 */
#ifndef NULLPOOL_SERVE_POOL_H
#define NULLPOOL_SERVE_POOL_H

#include <sys/types.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "config/settings.h"
#include "serve/child.h"

/* A request's own deadline comes first. This much later its worker hangs: the handler loops, or the
 * process is stopped. */
#define POOL_DEADLINE_GRACE_MS 2000

struct pool;

/* The scoreboard has been made, with pool_slots() slots. `from` is borrowed. */
RETURNS_OWNED struct pool *pool_new(void *owner, const struct inheritance *from);
uint32_t pool_slots(const struct settings *settings);

/* Returns when pool_refill() is due; it forks the permanent workers that are missing. */
struct deadline pool_refill_due(const struct pool *pool);
void pool_refill(struct pool *pool);

/* Returns when pool_watch() is due; it ends the workers that hang. */
struct deadline pool_watch_due(const struct pool *pool);
void pool_watch(struct pool *pool);

/* Returns true if a connection that waits is a reason to fork: no worker is idle or starting, and
 * there may be more. */
bool pool_is_short(const struct pool *pool);

/* Returns when the pause between forks ends; DEADLINE_NEVER if there is none. */
struct deadline pool_pause_end(const struct pool *pool);

/* Returns true if a connection waits in the listener. */
bool pool_connection_waits(const struct pool *pool);

/* Forks an overflow worker. */
void pool_grow(struct pool *pool);

/* Returns how many workers there are. */
size_t pool_count(const struct pool *pool);

/* Sends a signal to all workers. Returns how many there are. */
size_t pool_signal(const struct pool *pool, int signal);

/* Returns the process of a slot (0 to pool_slots() - 1), or 0. */
pid_t pool_pid(const struct pool *pool, size_t slot);

/* Returns when the worker of a slot hangs if it has not answered by then. A worker without a
 * request is taken to begin one now. */
struct deadline pool_hung_at(const struct pool *pool, size_t slot);

/* Returns true if the child that ended was a worker of the pool. */
bool pool_on_child_exit(struct pool *pool, pid_t pid, int status);

/* From now on no worker is forked. */
void pool_close(struct pool *pool);

#endif
