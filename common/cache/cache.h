/* cache.h - values cached in Redis for a limited time; never a reason for a request to fail
 *
 * A caller that does not find a value takes a lease: a token under the value's key, which says that
 * the value is being computed. Others that look for it meanwhile wait, so that fifty of them cost
 * one query. Only the holder of the lease can fill the key. cache_invalidate() deletes the lease
 * too, so that a value that was read before a write can never be filled in after it. A lease that
 * nobody fills expires after CACHE_LEASE_MS.
 *
 * Redis is not trusted: whoever can write to it could answer for us. A value carries a hash of
 * itself, its key and its expiry, under a key derived from SECRET_KEY. A value that does not
 * verify, or is past its expiry by more than two clocks may differ, is a miss, and logs a warning
 * at most once a minute. What someone who can write to Redis can still do: restore an older value
 * of the same key until that expires, and make a request wait for CACHE_LEASE_MS with a forged
 * lease.
 */
#ifndef NULLPOOL_CACHE_CACHE_H
#define NULLPOOL_CACHE_CACHE_H

#include "base/attributes.h"
#include "base/clock.h"
#include "config/redis_url.h"

#define CACHE_LEASE_MS  3000
#define CACHE_VALUE_MAX (256 << 10) /* bytes; a larger value is not cached */

struct cache;

enum cache_result {
	CACHE_BYPASS, /* compute the value and do not cache it: Redis is down, or the holder of the
	                 lease did not fill it in time */
	CACHE_LEASE,  /* compute the value, then cache_fill() or cache_release_lease() */
	CACHE_HIT,
};

/* As logs and metrics write them: "away", "miss", "hit". */
extern const char *const cache_result_names[CACHE_HIT + 1];

/* Connects on first use. Belongs to owner; `url` is borrowed. Without a secret (NULL) it can only
 * be pinged. */
RETURNS_OWNED struct cache *cache_new(void *owner, const struct redis_url *url, int64_t timeout_ms,
                                      const char *secret);

/* With CACHE_HIT, *value belongs to owner and has a NUL behind it. */
enum cache_result cache_find(void *owner, struct cache *cache, struct deadline deadline,
                             const char *key, const char **value, size_t *size);

/* For the holder of the key's lease, which ends. A value over CACHE_VALUE_MAX only releases it. */
void cache_fill(struct cache *cache, struct deadline deadline, const char *key, const char *value,
                size_t size, int64_t ttl_s);
void cache_release_lease(struct cache *cache, struct deadline deadline, const char *key);

/* Deletes the keys in one round trip. Returns false if some may remain until they expire. */
bool cache_invalidate(struct cache *cache, struct deadline deadline, const char *const *keys,
                      size_t count);

/* Calls of Redis since cache_new(), and the time waited for them and for others' leases. */
struct cache_cost {
	int64_t calls, us;
};
struct cache_cost cache_cost(const struct cache *cache);

/* Returns true if Redis answers now, within its timeout and the deadline. */
bool cache_ping(struct cache *cache, struct deadline deadline);

/* Why the last failed call failed. */
const char *cache_last_error(const struct cache *cache);

#endif
