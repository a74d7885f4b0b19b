/* cache.h - Redis: one connection a process, a few milliseconds, and never a reason for a request to fail */
#ifndef NULLPOOL_CACHE_CACHE_H
#define NULLPOOL_CACHE_CACHE_H

#include "base/attributes.h"
#include "base/clock.h"
#include "config/redis_url.h"

struct cache;

/* Connects on first use, and again when the connection was lost. Belongs to owner; `where` is borrowed. */
RETURNS_OWNED struct cache *cache_new(void *owner, const struct redis_url *where, int64_t timeout_ms);

/* Whether Redis answers PING now: within its timeout in all, and the deadline. */
bool cache_ping(struct cache *cache, struct deadline deadline);

#endif
