#include "cache/cache.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "cache/redis.h"

/* The first byte of what stands under a key; a value's fingerprint follows, a lease's token. */
#define VALUE_MARK    'V'
#define LEASE_MARK    'L'
#define HEAD_BYTES    HASH_TEXT_BYTES /* the mark and 32 digits */
#define LEASE_TEXT    "3000"

#define FIRST_LOOK_MS 2 /* then twice as long each time, up to: */
#define LATER_LOOK_MS 20
#define LOOKS_END_MS  CACHE_LEASE_MS

/* Compare and set; with WATCH it would be three round trips. */
#define FILL_SCRIPT                                      \
	"if redis.call('GET', KEYS[1]) == ARGV[1] then " \
	"redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end return 0"
#define RELEASE_SCRIPT "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 0"

_Static_assert(CACHE_LEASE_MS == 3000, "LEASE_TEXT says it too");
_Static_assert(CACHE_VALUE_MAX + HEAD_BYTES < REDIS_REPLY_MAX, "what is kept can be read");

const char *const cache_found_names[CACHE_HIT + 1] = {
	[CACHE_MISS] = "away",
	[CACHE_LEASE] = "miss",
	[CACHE_HIT] = "hit",
};

struct cache {
	struct redis *redis;
	char lease[HEAD_BYTES + 1]; /* of the one that this process holds, with its mark */
	int64_t slept_us;           /* for others' leases */
};

struct cache *
cache_new(void *owner, const struct redis_url *where, int64_t timeout_ms)
{
	struct cache *cache = mem_new(owner, struct cache);

	cache->redis = redis_new(cache, where, timeout_ms);
	return cache;
}

/* --- changing --- */

/* Says something whose answer does not matter. */
static bool
tell(struct cache *cache, struct deadline deadline, const struct redis_word *words, size_t count)
{
	void *scope = mem_scope(cache, "tell");
	struct redis_answer answer;
	bool told = redis_ask(scope, cache->redis, deadline, words, count, &answer);

	mem_free(scope);
	return told;
}

void
cache_fill(struct cache *cache, struct deadline deadline, const char *key, const char *value, size_t size,
           int64_t ttl_s)
{
	char *whole, ttl[INT_TEXT_BYTES];

	if (size > CACHE_VALUE_MAX) {
		cache_release(cache, deadline, key);
		return;
	}
	whole = mem_resize(cache, NULL, HEAD_BYTES + size + 1);
	hash_text(value, size, whole + 1); /* its NUL is where the value begins */
	whole[0] = VALUE_MARK;
	memcpy(whole + HEAD_BYTES, value, size);
	(void)text_of_int(ttl_s, ttl);
	(void)tell(cache, deadline,
	           (struct redis_word[]){ REDIS_TEXT("EVAL"),
	                                  REDIS_TEXT(FILL_SCRIPT),
	                                  REDIS_TEXT("1"),
	                                  redis_word(key),
	                                  redis_word(cache->lease),
	                                  { whole, HEAD_BYTES + size },
	                                  redis_word(ttl) },
	           7);
	mem_free(whole);
}

void
cache_release(struct cache *cache, struct deadline deadline, const char *key)
{
	const struct redis_word words[] = { REDIS_TEXT("EVAL"), REDIS_TEXT(RELEASE_SCRIPT), REDIS_TEXT("1"),
		                            redis_word(key), redis_word(cache->lease) };

	(void)tell(cache, deadline, words, COUNT_OF(words));
}

bool
cache_forget(struct cache *cache, struct deadline deadline, const char *const *keys, size_t count)
{
	redis_insist(cache->redis);
	return redis_delete(cache->redis, deadline, keys, count);
}

bool
cache_ping(struct cache *cache, struct deadline deadline)
{
	const struct redis_word words[] = { REDIS_TEXT("PING") };

	redis_insist(cache->redis);
	return tell(cache, deadline, words, COUNT_OF(words));
}

const char *
cache_why(const struct cache *cache)
{
	return redis_why(cache->redis);
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

/* After new_lease(). False: there is none to be had. answer->nil: somebody else makes the value now. */
static bool
take_lease(void *owner, struct cache *cache, struct deadline deadline, const char *key,
           struct redis_answer *answer)
{
	const struct redis_word words[] = { REDIS_TEXT("SET"), redis_word(key),  redis_word(cache->lease),
		                            REDIS_TEXT("NX"),  REDIS_TEXT("PX"), REDIS_TEXT(LEASE_TEXT) };

	return redis_ask(owner, cache->redis, deadline, words, COUNT_OF(words), answer);
}

static bool
is_whole(const struct redis_answer *answer)
{
	char hash[HASH_TEXT_BYTES];

	if (answer->size < HEAD_BYTES || answer->text[0] != VALUE_MARK)
		return false;
	hash_text(answer->text + HEAD_BYTES, answer->size - HEAD_BYTES, hash);
	return memcmp(hash, answer->text + 1, HEAD_BYTES - 1) == 0;
}

static bool
is_lease(const struct redis_answer *answer)
{
	return answer->size == HEAD_BYTES && answer->text[0] == LEASE_MARK;
}

static bool
look(void *owner, struct cache *cache, struct deadline deadline, const char *key, struct redis_answer *answer)
{
	const struct redis_word words[] = { REDIS_TEXT("GET"), redis_word(key) };

	/* What is of another type is none of ours: as a value that is not whole. */
	return redis_ask(owner, cache->redis, deadline, words, COUNT_OF(words), answer) || answer->wrong_type;
}

static void
wait_for_lease(struct cache *cache, int64_t pause_ms, struct deadline end)
{
	int64_t start_us = clock_now_us();

	clock_sleep_ms(pause_ms, end);
	cache->slept_us += clock_now_us() - start_us;
}

enum cache_found
cache_find(void *owner, struct cache *cache, struct deadline deadline, const char *key, const char **value,
           size_t *size)
{
	struct deadline end = deadline_within_ms(deadline, LOOKS_END_MS);
	struct redis_answer answer;
	int64_t pause_ms = FIRST_LOOK_MS;

	while (look(owner, cache, deadline, key, &answer)) {
		if (is_whole(&answer)) {
			*value = answer.text + HEAD_BYTES;
			*size = answer.size - HEAD_BYTES;
			return CACHE_HIT;
		}
		/* What is under it is none of ours. */
		if (!answer.nil && !is_lease(&answer) && !cache_forget(cache, deadline, &key, 1))
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
	return CACHE_MISS;
}

struct cache_cost
cache_cost(const struct cache *cache)
{
	struct redis_cost redis = redis_cost(cache->redis);

	return (struct cache_cost){ redis.calls, redis.us + cache->slept_us };
}
