#include "cache/cache.h"

#include <assert.h>
#include <inttypes.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cache/redis.h"

/* An entry begins with one of these bytes. A lease's token follows, or a value's header: its hash
 * and its expiry, in seconds since 1970, both as hexadecimal digits. */
#define VALUE_TAG     'V'
#define LEASE_TAG     'L'
#define LEASE_BYTES   HASH_TEXT_BYTES /* the tag and 32 digits */
#define EXPIRY_DIGITS 16
#define HEADER_BYTES  (LEASE_BYTES + EXPIRY_DIGITS)
#define LEASE_TEXT    "3000"

#define CLOCK_SKEW_S  30 /* the clocks of two machines may differ by this much */

#define FIRST_POLL_MS 2 /* doubled each time, up to: */
#define LAST_POLL_MS  20

/* Compare and set; with WATCH it would be three round trips. */
#define FILL_SCRIPT                                      \
	"if redis.call('GET', KEYS[1]) == ARGV[1] then " \
	"redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end return 0"
#define RELEASE_SCRIPT \
	"if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 0"

_Static_assert(CACHE_LEASE_MS == 3000, "LEASE_TEXT says the same");
_Static_assert(CACHE_VALUE_MAX + HEADER_BYTES < REDIS_REPLY_MAX, "redis.c reads the largest value");

const char *const cache_result_names[CACHE_HIT + 1] = {
	[CACHE_BYPASS] = "away",
	[CACHE_LEASE] = "miss",
	[CACHE_HIT] = "hit",
};

struct cache {
	struct redis *redis;
	bool has_secret;
	unsigned char secret[HASH_KEY_BYTES];
	char lease[LEASE_BYTES + 1]; /* the one that this process holds, with its tag */
	int64_t lease_wait_us;       /* the time waited for others' leases */
	struct log_limit log_limit;  /* of rejected values */
};

struct cache *
cache_new(void *owner, const struct redis_url *url, int64_t timeout_ms, const char *secret)
{
	struct cache *cache = mem_new(owner, struct cache);

	cache->redis = redis_new(cache, url, timeout_ms);
	cache->has_secret = secret != NULL;
	if (secret)
		hash_derive_key(secret, "nullpool: values in Redis, 1", cache->secret);
	return cache;
}

/* --- verification of a value --- */

/* The hash covers the key, so that a valid value under another key is refused as well. */
static void
hash_value(const struct cache *cache, const char *key, const char *expiry, const char *value,
           size_t size, char hash[HASH_TEXT_BYTES])
{
	const struct hash_part parts[] = { { key, strlen(key) },
		                           { expiry, EXPIRY_DIGITS },
		                           { value, size } };

	assert(cache->has_secret);
	hash_parts(cache->secret, parts, COUNT_OF(parts), hash);
}

static bool
is_authentic(const struct cache *cache, const char *key, const struct redis_reply *reply)
{
	char hash[HASH_TEXT_BYTES];

	if (reply->size < HEADER_BYTES || reply->text[0] != VALUE_TAG)
		return false;
	hash_value(cache, key, reply->text + LEASE_BYTES, reply->text + HEADER_BYTES,
	           reply->size - HEADER_BYTES, hash);
	return bytes_equal(hash, reply->text + 1, LEASE_BYTES - 1);
}

/* Redis expires a value by itself, unless someone restored it later. */
static bool
has_expired(const struct redis_reply *reply)
{
	char expiry[EXPIRY_DIGITS + 1] = "";

	memcpy(expiry, reply->text + LEASE_BYTES, EXPIRY_DIGITS);
	return strtoll(expiry, NULL, 16) + CLOCK_SKEW_S < clock_wall_us() / 1000000;
}

static void
log_rejected(struct cache *cache, const char *why)
{
	if (log_limit_allows(&cache->log_limit))
		log_printf(LOG_WARNING, "redis value rejected", "%s", why);
}

static bool
is_valid(struct cache *cache, const char *key, const struct redis_reply *reply)
{
	if (!is_authentic(cache, key, reply)) {
		log_rejected(cache, "not written with this SECRET_KEY, or changed afterwards");
		return false;
	}
	if (has_expired(reply)) {
		log_rejected(cache, "past its expiry");
		return false;
	}
	return true;
}

/* --- changes --- */

/* A command of whose reply only the success matters. */
static bool
run_command(struct cache *cache, struct deadline deadline, const struct redis_arg *args,
            size_t count)
{
	void *scope = mem_scope(cache, "command");
	struct redis_reply reply;
	bool ok = redis_command(scope, cache->redis, deadline, args, count, &reply);

	mem_free(scope);
	return ok;
}

void
cache_fill(struct cache *cache, struct deadline deadline, const char *key, const char *value,
           size_t size, int64_t ttl_s)
{
	char *entry, ttl[INT_TEXT_BYTES], hash[HASH_TEXT_BYTES];

	if (size > CACHE_VALUE_MAX) {
		cache_release_lease(cache, deadline, key);
		return;
	}
	entry = mem_resize(cache, NULL, HEADER_BYTES + size + 1);
	entry[0] = VALUE_TAG;
	(void)snprintf(entry + LEASE_BYTES, EXPIRY_DIGITS + 1, "%016" PRIx64,
	               (uint64_t)(clock_wall_us() / 1000000 + ttl_s));
	memcpy(entry + HEADER_BYTES, value, size);
	hash_value(cache, key, entry + LEASE_BYTES, value, size, hash);
	memcpy(entry + 1, hash, LEASE_BYTES - 1);
	(void)text_of_int(ttl_s, ttl);
	(void)run_command(cache, deadline,
	                  (struct redis_arg[]){ REDIS_ARG("EVAL"),
	                                        REDIS_ARG(FILL_SCRIPT),
	                                        REDIS_ARG("1"),
	                                        redis_arg(key),
	                                        redis_arg(cache->lease),
	                                        { entry, HEADER_BYTES + size },
	                                        redis_arg(ttl) },
	                  7);
	mem_free(entry);
}

void
cache_release_lease(struct cache *cache, struct deadline deadline, const char *key)
{
	const struct redis_arg args[] = { REDIS_ARG("EVAL"), REDIS_ARG(RELEASE_SCRIPT),
		                          REDIS_ARG("1"), redis_arg(key), redis_arg(cache->lease) };

	(void)run_command(cache, deadline, args, COUNT_OF(args));
}

bool
cache_invalidate(struct cache *cache, struct deadline deadline, const char *const *keys,
                 size_t count)
{
	redis_retry_now(cache->redis);
	return redis_delete(cache->redis, deadline, keys, count);
}

bool
cache_ping(struct cache *cache, struct deadline deadline)
{
	const struct redis_arg args[] = { REDIS_ARG("PING") };

	redis_retry_now(cache->redis);
	return run_command(cache, deadline, args, COUNT_OF(args));
}

const char *
cache_last_error(const struct cache *cache)
{
	return redis_last_error(cache->redis);
}

/* --- lookup --- */

static void
new_lease(struct cache *cache)
{
	char *token = random_token(cache);

	cache->lease[0] = LEASE_TAG;
	hash_text(token, strlen(token), cache->lease + 1);
	mem_free(token);
}

/* Returns false if Redis failed; with reply->nil, another process holds the lease. */
static bool
take_lease(void *owner, struct cache *cache, struct deadline deadline, const char *key,
           struct redis_reply *reply)
{
	struct redis_arg args[] = { REDIS_ARG("SET"), redis_arg(key),  REDIS_ARG(""),
		                    REDIS_ARG("NX"),  REDIS_ARG("PX"), REDIS_ARG(LEASE_TEXT) };

	new_lease(cache);
	args[2] = redis_arg(cache->lease);
	return redis_command(owner, cache->redis, deadline, args, COUNT_OF(args), reply);
}

static bool
is_lease(const struct redis_reply *reply)
{
	return reply->size == LEASE_BYTES && reply->text[0] == LEASE_TAG;
}

/* Returns false if Redis failed. Treats a key of another Redis type as corrupt: the reply is an
 * empty value. */
static bool
get_entry(void *owner, struct cache *cache, struct deadline deadline, const char *key,
          struct redis_reply *reply)
{
	const struct redis_arg args[] = { REDIS_ARG("GET"), redis_arg(key) };

	return redis_command(owner, cache->redis, deadline, args, COUNT_OF(args), reply)
	       || reply->wrong_type;
}

static void
wait_for_lease(struct cache *cache, int64_t pause_ms, struct deadline end)
{
	int64_t start_us = clock_now_us();

	clock_sleep_ms(pause_ms, end);
	cache->lease_wait_us += clock_now_us() - start_us;
}

enum cache_result
cache_find(void *owner, struct cache *cache, struct deadline deadline, const char *key,
           const char **value, size_t *size)
{
	struct deadline end = deadline_within_ms(deadline, CACHE_LEASE_MS);
	struct redis_reply reply;
	int64_t pause_ms = FIRST_POLL_MS;

	while (get_entry(owner, cache, deadline, key, &reply)) {
		if (!reply.nil && !is_lease(&reply) && is_valid(cache, key, &reply)) {
			*value = reply.text + HEADER_BYTES;
			*size = reply.size - HEADER_BYTES;
			return CACHE_HIT;
		}
		/* Neither a lease nor a value of ours. */
		if (!reply.nil && !is_lease(&reply) && !cache_invalidate(cache, deadline, &key, 1))
			break;
		if (!is_lease(&reply)) {
			if (!take_lease(owner, cache, deadline, key, &reply))
				break;
			if (!reply.nil)
				return CACHE_LEASE;
		}
		if (deadline_passed(end))
			break;
		wait_for_lease(cache, pause_ms, end);
		pause_ms = pause_ms * 2 < LAST_POLL_MS ? pause_ms * 2 : LAST_POLL_MS;
	}
	return CACHE_BYPASS;
}

struct cache_cost
cache_cost(const struct cache *cache)
{
	struct redis_cost redis = redis_cost(cache->redis);

	return (struct cache_cost){ redis.calls, redis.us + cache->lease_wait_us };
}
