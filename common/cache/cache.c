#include "cache/cache.h"

#include <assert.h>
#include <inttypes.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cache/redis.h"

/* The first byte of what stands under a key. A lease's token follows it; of a value its hash, and
 * the second since 1970 at which it ends, as hexadecimal digits. */
#define VALUE_MARK    'V'
#define LEASE_MARK    'L'
#define LEASE_BYTES   HASH_TEXT_BYTES /* the mark and 32 digits */
#define END_DIGITS    16
#define HEAD_BYTES    (LEASE_BYTES + END_DIGITS)
#define LEASE_TEXT    "3000"

#define CLOCKS_S      30                /* so far the clocks of two machines may be apart */
#define SILENCE_US    INT64_C(60000000) /* between two warnings */

#define FIRST_LOOK_MS 2 /* then twice as long each time, up to: */
#define LATER_LOOK_MS 20
#define LOOKS_END_MS  CACHE_LEASE_MS

/* Compare and set; with WATCH it would be three round trips. */
#define FILL_SCRIPT                                      \
	"if redis.call('GET', KEYS[1]) == ARGV[1] then " \
	"redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end return 0"
#define RELEASE_SCRIPT \
	"if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 0"

_Static_assert(CACHE_LEASE_MS == 3000, "LEASE_TEXT says it too");
_Static_assert(CACHE_VALUE_MAX + HEAD_BYTES < REDIS_REPLY_MAX, "what is kept can be read");

const char *const cache_result_names[CACHE_HIT + 1] = {
	[CACHE_BYPASS] = "away",
	[CACHE_LEASE] = "miss",
	[CACHE_HIT] = "hit",
};

struct cache {
	struct redis *redis;
	bool has_secret;
	unsigned char secret[HASH_KEY_BYTES];
	char lease[LEASE_BYTES + 1]; /* of the one that this process holds, with its mark */
	int64_t slept_us;            /* for others' leases */
	int64_t silent_until_us;
};

struct cache *
cache_new(void *owner, const struct redis_url *where, int64_t timeout_ms, const char *secret)
{
	struct cache *cache = mem_new(owner, struct cache);

	cache->redis = redis_new(cache, where, timeout_ms);
	cache->has_secret = secret != NULL;
	if (secret)
		hash_derive_key(secret, "nullpool: values in Redis, 1", cache->secret);
	return cache;
}

/* --- what a value has to prove --- */

/* Of the key too: a good value under another key is as bad as a forged one. */
static void
hash_value(const struct cache *cache, const char *key, const char *end, const char *value,
           size_t size, char hash[HASH_TEXT_BYTES])
{
	const struct hash_part parts[] = { { key, strlen(key) },
		                           { end, END_DIGITS },
		                           { value, size } };

	assert(cache->has_secret);
	hash_parts(cache->secret, parts, COUNT_OF(parts), hash);
}

static bool
is_ours(const struct cache *cache, const char *key, const struct redis_reply *answer)
{
	char hash[HASH_TEXT_BYTES];

	if (answer->size < HEAD_BYTES || answer->text[0] != VALUE_MARK)
		return false;
	hash_value(cache, key, answer->text + LEASE_BYTES, answer->text + HEAD_BYTES,
	           answer->size - HEAD_BYTES, hash);
	return bytes_equal(hash, answer->text + 1, LEASE_BYTES - 1);
}

/* Redis ends a value by itself; one that was put back later is too old all the same. */
static bool
has_ended(const struct redis_reply *answer)
{
	char end[END_DIGITS + 1] = "";

	memcpy(end, answer->text + LEASE_BYTES, END_DIGITS);
	return strtoll(end, NULL, 16) + CLOCKS_S < clock_wall_us() / 1000000;
}

static void
warn(struct cache *cache, const char *why)
{
	int64_t now_us = clock_now_us();

	if (now_us < cache->silent_until_us)
		return;
	log_printf(LOG_WARNING, "redis not believed", "a value under one of our keys %s", why);
	cache->silent_until_us = now_us + SILENCE_US;
}

static bool
is_believed(struct cache *cache, const char *key, const struct redis_reply *answer)
{
	if (!is_ours(cache, key, answer)) {
		warn(cache, "was not kept by a program with this SECRET_KEY, or was changed");
		return false;
	}
	if (has_ended(answer)) {
		warn(cache, "has outlived its time");
		return false;
	}
	return true;
}

/* --- changing --- */

/* Says something whose answer does not matter. */
static bool
tell(struct cache *cache, struct deadline deadline, const struct redis_arg *words, size_t count)
{
	void *scope = mem_scope(cache, "tell");
	struct redis_reply answer;
	bool told = redis_command(scope, cache->redis, deadline, words, count, &answer);

	mem_free(scope);
	return told;
}

void
cache_fill(struct cache *cache, struct deadline deadline, const char *key, const char *value,
           size_t size, int64_t ttl_s)
{
	char *whole, ttl[INT_TEXT_BYTES], hash[HASH_TEXT_BYTES];

	if (size > CACHE_VALUE_MAX) {
		cache_release_lease(cache, deadline, key);
		return;
	}
	whole = mem_resize(cache, NULL, HEAD_BYTES + size + 1);
	whole[0] = VALUE_MARK;
	(void)snprintf(whole + LEASE_BYTES, END_DIGITS + 1, "%016" PRIx64,
	               (uint64_t)(clock_wall_us() / 1000000 + ttl_s));
	memcpy(whole + HEAD_BYTES, value, size);
	hash_value(cache, key, whole + LEASE_BYTES, value, size, hash);
	memcpy(whole + 1, hash, LEASE_BYTES - 1);
	(void)text_of_int(ttl_s, ttl);
	(void)tell(cache, deadline,
	           (struct redis_arg[]){ REDIS_ARG("EVAL"),
	                                 REDIS_ARG(FILL_SCRIPT),
	                                 REDIS_ARG("1"),
	                                 redis_arg(key),
	                                 redis_arg(cache->lease),
	                                 { whole, HEAD_BYTES + size },
	                                 redis_arg(ttl) },
	           7);
	mem_free(whole);
}

void
cache_release_lease(struct cache *cache, struct deadline deadline, const char *key)
{
	const struct redis_arg words[] = { REDIS_ARG("EVAL"), REDIS_ARG(RELEASE_SCRIPT),
		                           REDIS_ARG("1"), redis_arg(key),
		                           redis_arg(cache->lease) };

	(void)tell(cache, deadline, words, COUNT_OF(words));
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
	const struct redis_arg words[] = { REDIS_ARG("PING") };

	redis_retry_now(cache->redis);
	return tell(cache, deadline, words, COUNT_OF(words));
}

const char *
cache_last_error(const struct cache *cache)
{
	return redis_last_error(cache->redis);
}

/* --- finding --- */

static void
new_lease(struct cache *cache)
{
	char *token = random_token(cache);

	cache->lease[0] = LEASE_MARK;
	hash_text(token, strlen(token), cache->lease + 1);
	mem_free(token);
}

/* After new_lease(). False: there is none to be had. answer->nil: somebody else makes the value
 * now. */
static bool
take_lease(void *owner, struct cache *cache, struct deadline deadline, const char *key,
           struct redis_reply *answer)
{
	const struct redis_arg words[] = { REDIS_ARG("SET"),        redis_arg(key),
		                           redis_arg(cache->lease), REDIS_ARG("NX"),
		                           REDIS_ARG("PX"),         REDIS_ARG(LEASE_TEXT) };

	return redis_command(owner, cache->redis, deadline, words, COUNT_OF(words), answer);
}

static bool
is_lease(const struct redis_reply *answer)
{
	return answer->size == LEASE_BYTES && answer->text[0] == LEASE_MARK;
}

static bool
look(void *owner, struct cache *cache, struct deadline deadline, const char *key,
     struct redis_reply *answer)
{
	const struct redis_arg words[] = { REDIS_ARG("GET"), redis_arg(key) };

	/* What is of another type is none of ours: as a value that is not whole. */
	return redis_command(owner, cache->redis, deadline, words, COUNT_OF(words), answer)
	       || answer->wrong_type;
}

static void
wait_for_lease(struct cache *cache, int64_t pause_ms, struct deadline end)
{
	int64_t start_us = clock_now_us();

	clock_sleep_ms(pause_ms, end);
	cache->slept_us += clock_now_us() - start_us;
}

enum cache_result
cache_find(void *owner, struct cache *cache, struct deadline deadline, const char *key,
           const char **value, size_t *size)
{
	struct deadline end = deadline_within_ms(deadline, LOOKS_END_MS);
	struct redis_reply answer;
	int64_t pause_ms = FIRST_LOOK_MS;

	while (look(owner, cache, deadline, key, &answer)) {
		if (!answer.nil && !is_lease(&answer) && is_believed(cache, key, &answer)) {
			*value = answer.text + HEAD_BYTES;
			*size = answer.size - HEAD_BYTES;
			return CACHE_HIT;
		}
		/* What is under it is none of ours. */
		if (!answer.nil && !is_lease(&answer)
		    && !cache_invalidate(cache, deadline, &key, 1))
			break;
		if (!is_lease(&answer)) {
			new_lease(cache);
			if (!take_lease(owner, cache, deadline, key, &answer))
				break;
			if (!answer.nil)
				return CACHE_LEASE;
		}
		if (deadline_passed(end))
			break;
		wait_for_lease(cache, pause_ms, end);
		pause_ms = pause_ms * 2 < LATER_LOOK_MS ? pause_ms * 2 : LATER_LOOK_MS;
	}
	return CACHE_BYPASS;
}

struct cache_cost
cache_cost(const struct cache *cache)
{
	struct redis_cost redis = redis_cost(cache->redis);

	return (struct cache_cost){ redis.calls, redis.us + cache->slept_us };
}
