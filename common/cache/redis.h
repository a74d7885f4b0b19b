/* redis.h - Redis: one connection a process, made on first use and again when it was lost
 *
 * A call ends within its timeout in all, whatever the server does or does not do. After one that
 * got no answer the next ones fail at once for a second, so that a Redis that is away costs
 * requests nothing; the log says so once a minute. An error that it answers with is that call's
 * alone, but for those that say that the server is not well.
 */
#ifndef NULLPOOL_CACHE_REDIS_H
#define NULLPOOL_CACHE_REDIS_H

#include "base/attributes.h"
#include "base/clock.h"
#include "config/redis_url.h"

#define REDIS_ARGS_MAX     8
#define REDIS_REPLY_MAX    (1 << 20) /* bytes; a longer one is a failure */
#define REDIS_ARG(literal) ((struct redis_arg){ literal, sizeof(literal) - 1 })

struct redis;

struct redis_arg {
	const char *bytes;
	size_t size;
};

static inline struct redis_arg
redis_arg(const char *text)
{
	return (struct redis_arg){ text, strlen(text) };
}

struct redis_reply {
	bool nil;
	const char *text; /* of a string or a status, with a NUL behind it; else "" */
	size_t size;
	int64_t number;
	bool wrong_type; /* of a failure: what stands under the key is of another type */
};

/* Belongs to owner; `where` is borrowed. */
RETURNS_OWNED struct redis *redis_new(void *owner, const struct redis_url *where,
                                      int64_t timeout_ms);

/* Sends one command and reads its answer, which belongs to owner. False: there is none, or it is an
 * error. */
NP_MUST_CHECK bool redis_command(void *owner, struct redis *redis, struct deadline deadline,
                                 const struct redis_arg *words, size_t count,
                                 struct redis_reply *answer);

/* DEL of each, sent together; not one DEL, whose keys may be of different slots of a cluster.
 * False: not all were done. */
NP_MUST_CHECK bool redis_delete(struct redis *redis, struct deadline deadline,
                                const char *const *keys, size_t count);

/* How many calls were made, of those that were tried at all, and how long they took; since it was
 * made. */
struct redis_cost {
	int64_t calls, us;
};
struct redis_cost redis_cost(const struct redis *redis);

/* Why the last call failed that did: "connect: Connection refused". */
const char *redis_last_error(const struct redis *redis);

/* The next call is tried even in the second after a failure. */
void redis_retry_now(struct redis *redis);

#endif
