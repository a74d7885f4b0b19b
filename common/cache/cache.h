/* cache.h - values kept in Redis for a while; never a reason for a request to fail
 *
 * Who does not find a value gets a lease: a mark under its key that says that the value is being
 * made. Others who look meanwhile wait for it, so that fifty of them cost one query. Only the
 * holder of the lease may fill the key, and cache_invalidate() takes the lease away too: a value
 * that was read before a write can never be filled in after it. A mark that nobody fills ends by
 * itself after CACHE_LEASE_MS.
 *
 * Redis is not believed: whoever can write to it could answer for us. A value carries a hash of
 * itself, its key and its end, with a key derived from SECRET_KEY. One that does not verify, or has
 * outlived its time by more than two clocks may differ, is a miss, and a warning once a minute.
 * What such a person can do: put back an older value of the same key for as long as it would have
 * lived, and make a request wait for CACHE_LEASE_MS with a forged lease.
 */
#ifndef NULLPOOL_CACHE_CACHE_H
#define NULLPOOL_CACHE_CACHE_H

#include "base/attributes.h"
#include "base/clock.h"
#include "config/redis_url.h"

#define CACHE_LEASE_MS  3000
#define CACHE_VALUE_MAX (256 << 10) /* bytes; larger ones are not kept */

struct cache;

enum cache_result {
	CACHE_BYPASS, /* make it, and do not keep it: Redis is away, or another one's lease did not
	               end in time */
	CACHE_LEASE,  /* make it, and then cache_fill() or cache_release_lease() */
	CACHE_HIT,
};

/* As logs and metrics say it: "away", "miss", "hit". */
extern const char *const cache_result_names[CACHE_HIT + 1];

/* Connects on first use. Belongs to owner; `where` is borrowed. Without a secret (NULL) it can be
 * pinged, and nothing else. */
RETURNS_OWNED struct cache *cache_new(void *owner, const struct redis_url *where,
                                      int64_t timeout_ms, const char *secret);

/* A hit's value belongs to owner, with a NUL behind it. */
enum cache_result cache_find(void *owner, struct cache *cache, struct deadline deadline,
                             const char *key, const char **value, size_t *size);

/* By the holder of the key's lease. One that is too large is released. */
void cache_fill(struct cache *cache, struct deadline deadline, const char *key, const char *value,
                size_t size, int64_t ttl_s);
void cache_release_lease(struct cache *cache, struct deadline deadline, const char *key);

/* In one round trip. False: they may still be there, for as long as they live. */
bool cache_invalidate(struct cache *cache, struct deadline deadline, const char *const *keys,
                      size_t count);

/* What was waited for since it was made: calls of Redis with what they took, and the time that
 * others' leases took. */
struct cache_cost {
	int64_t calls, us;
};
struct cache_cost cache_cost(const struct cache *cache);

/* Whether Redis answers now: within its timeout in all, and the deadline. */
bool cache_ping(struct cache *cache, struct deadline deadline);

/* Why it did not, for people. */
const char *cache_last_error(const struct cache *cache);

#endif
