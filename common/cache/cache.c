#include <hiredis/hiredis.h>
#include <sys/time.h>

#include "base/log.h"
#include "base/mem.h"
#include "cache/cache.h"

struct cache {
	const struct redis_url *where;
	int64_t timeout_ms;       /* of all that one call does */
	struct deadline deadline; /* of the call */
	redisContext *redis;      /* NULL: not connected */
};

/* What is left, for hiredis: at least a millisecond, since 0 would be for ever. */
static struct timeval
time_left(const struct cache *cache)
{
	int left_ms = deadline_left_ms(cache->deadline);

	if (left_ms < 1)
		left_ms = 1;
	return (struct timeval){ .tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000L };
}

static void
disconnect(struct cache *cache)
{
	if (cache->redis)
		redisFree(cache->redis);
	cache->redis = NULL;
}

static void
release(void *cache)
{
	disconnect(cache);
}

struct cache *
cache_new(void *owner, const struct redis_url *where, int64_t timeout_ms)
{
	struct cache *cache = mem_new(owner, struct cache);

	cache->where = where;
	cache->timeout_ms = timeout_ms;
	mem_own(cache, cache, release);
	return cache;
}

/* False: no reply or an error, which the log has; the connection is closed then. */
static bool
command(struct cache *cache, int count, const char **words)
{
	redisReply *reply;
	bool good;

	(void)redisSetTimeout(cache->redis, time_left(cache));
	reply = redisCommandArgv(cache->redis, count, words, NULL);
	good = reply && reply->type != REDIS_REPLY_ERROR;

	if (!good) {
		log_printf(LOG_WARNING, "redis failed", "%s: %s", words[0],
		           reply ? reply->str : cache->redis->errstr);
		disconnect(cache);
	}
	if (reply)
		freeReplyObject(reply);
	return good;
}

/* AUTH and SELECT, as far as the URL asks for them. */
static bool
introduce(struct cache *cache)
{
	const struct redis_url *where = cache->where;
	char *database = mem_printf(NULL, "%d", where->database);
	const char *password[] = { "AUTH", where->password };
	const char *user[] = { "AUTH", where->user, where->password };
	const char *select[] = { "SELECT", database };
	bool good = true;

	if (where->password)
		good = where->user ? command(cache, 3, user) : command(cache, 2, password);
	if (good && where->database > 0)
		good = command(cache, 2, select);
	mem_free(database);
	return good;
}

static bool
connect_redis(struct cache *cache)
{
	const struct redis_url *where = cache->where;

	if (where->path)
		cache->redis = redisConnectUnixWithTimeout(where->path, time_left(cache));
	else
		cache->redis = redisConnectWithTimeout(where->host, where->port, time_left(cache));
	if (!cache->redis || cache->redis->err) {
		log_printf(LOG_WARNING, "redis failed", "connect: %s",
		           cache->redis ? cache->redis->errstr : "no memory");
		disconnect(cache);
		return false;
	}
	return introduce(cache);
}

bool
cache_ping(struct cache *cache, struct deadline deadline)
{
	const char *ping[] = { "PING" };

	cache->deadline = deadline_within_ms(deadline, cache->timeout_ms);

	/* A kept connection may have died unseen: one that fails is replaced once. */
	if (cache->redis && command(cache, 1, ping))
		return true;
	return connect_redis(cache) && command(cache, 1, ping);
}
