/* redis.h - Redis: one connection per process, opened on first use and again after it was lost
 *
 * A call ends within its timeout, whatever the server does. After a call that got no reply, the
 * next ones fail at once for a second, so that a Redis that is down costs requests nothing; the log
 * reports it at most once a minute. An error reply concerns that call only, unless it says that the
 * server itself is in trouble.
 */
#ifndef NULLPOOL_CACHE_REDIS_H
#define NULLPOOL_CACHE_REDIS_H

#include "base/attributes.h"
#include "base/clock.h"
#include "config/redis_url.h"

#define REDIS_ARGS_MAX     8
#define REDIS_REPLY_MAX    (1 << 20) /* bytes; a longer reply is a failure */
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
	const char *text; /* a string's or a status's, with a NUL behind it; else "" */
	size_t size;
	int64_t number;
	bool wrong_type; /* the call failed because the key holds another type */
};

/* Belongs to owner; `url` is borrowed. */
RETURNS_OWNED struct redis *redis_new(void *owner, const struct redis_url *url, int64_t timeout_ms);

/* Sends one command and reads its reply, whose text belongs to owner. Returns false if there is no
 * reply or it is an error. */
NP_MUST_CHECK bool redis_command(void *owner, struct redis *redis, struct deadline deadline,
                                 const struct redis_arg *args, size_t count,
                                 struct redis_reply *reply);

/* Sends a DEL for each key, all in one round trip. One DEL of several keys would fail where they
 * are in different slots of a cluster. Returns false if not all were done. */
NP_MUST_CHECK bool redis_delete(struct redis *redis, struct deadline deadline,
                                const char *const *keys, size_t count);

/* Calls that tried to reach the server, and the time they took, since redis_new(). */
struct redis_cost {
	int64_t calls, us;
};
struct redis_cost redis_cost(const struct redis *redis);

/* Why the last failed call failed: "connect: Connection refused". */
const char *redis_last_error(const struct redis *redis);

/* Makes the next call try the server, even within the second after a failure. */
void redis_retry_now(struct redis *redis);

#endif
