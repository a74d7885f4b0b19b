/* pool.h - how many workers there are, and when one is forked, missed, or given up
 *
 * `size` are kept; up to `overflow` more are forked while connections wait and nobody is idle, and
 * leave by themselves. A worker that dies young delays its successor, longer each time (100 ms to
 * 10 s), until one lives. Every child is forked here, so nothing that must not be shared crosses a
 * fork: a worker makes its own app.
 */
#ifndef NULLPOOL_SERVE_POOL_H
#define NULLPOOL_SERVE_POOL_H

#include <sys/types.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "config/settings.h"

struct exporter;

/* So long a worker that is to be killed may say where it is; on a busy machine it has to get its
 * turn for that. */
#define POOL_LAST_WORDS_US INT64_C(500000)

struct pool_options {
	const char *name;
	const struct np_route *routes;
	const struct settings *settings;
	int listener;
	int busy_event;            /* eventfd that workers write when nobody is idle any more */
	struct exporter *exporter; /* NULL: none */
	int ready_event; /* eventfd of the workers, see idle.h; written here when one dies */
};

struct pool;

/* The scoreboard must be there, with pool_slots() slots. */
RETURNS_OWNED struct pool *pool_new(void *owner, const struct pool_options *options);
uint32_t pool_slots(const struct settings *settings);

/* Forks what is kept and due. Returns when it wants to be asked again. */
struct deadline pool_tend(struct pool *pool);

/* Whether a connection that waits is a reason to fork: nobody is idle or starting, and there may be
 * more. */
bool pool_is_short(const struct pool *pool);

/* Forks one on demand. */
void pool_grow(struct pool *pool);

/* A connection waited although somebody seemed to be idle, and all idle ones were woken, at
 * woken_us of clock_now_us(): who was idle or starting then and has not stirred since, or cannot
 * accept, is killed. */
void pool_distrust_idle(struct pool *pool, int64_t woken_us);

/* Wakes all idle workers up, so that each looks whether a connection waits. */
void pool_wake_idle(const struct pool *pool);

/* In a child that serves nothing: closes the listening socket, and makes standard input /dev/null.
 */
void pool_drop_listener(const struct pool *pool);

/* The process of a slot (0 to pool_slots() - 1), or 0. */
pid_t pool_pid(const struct pool *pool, size_t slot);

/* When the request of a slot's worker has to be answered; of a worker that has none, as if one
 * began now. */
int64_t pool_deadline_us(const struct pool *pool, size_t slot);

/* A child has ended; false when it is none of the pool's. */
bool pool_bury(struct pool *pool, pid_t pid, int status);

/* Kills the workers that are more than 2 s past their request's deadline, after their last words
 * (backtrace.h). */
void pool_watch(struct pool *pool);

/* Sends a signal to all workers; with 0 it only counts. Returns how many there are. */
size_t pool_signal(const struct pool *pool, int signal);

/* Replaces no worker from now on. */
void pool_close(struct pool *pool);

/* Forks a child that ends when the master does, however that ends. 0 in the child, as fork(). */
pid_t pool_fork(const struct pool *pool);

/* The app of a child, which it makes after the fork. It ends the child when that fails. */
struct app *pool_child_app(const struct pool *pool);
NORETURN void pool_end_child(void);

#endif
