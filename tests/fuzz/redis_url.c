/* redis_url - a redis[s]:// or unix:// URL that is parsed can be written and parsed again (its
 * error messages: conninfo.c) */
#include "config/redis_url.h"
#include "config/url.h"
#include "fuzz.h"

static void
check_parts(const struct redis_url *redis)
{
	HOLDS((redis->path == NULL) == (redis->host != NULL));
	HOLDS(!redis->path || *redis->path == '/' || strncmp(redis->path, "./", 2) == 0);
	HOLDS(redis->port >= 1 && redis->port <= 65535);
	HOLDS(redis->database >= 0 && redis->database <= 1023);
	HOLDS(redis->tls || !redis->ca_file);
	HOLDS(!redis->user || redis->password);
}

/* User and password are those of the URL. */
static void
check_user(void *owner, const char *text, const struct redis_url *redis)
{
	struct url url;
	struct error err;

	HOLDS(url_parse(owner, text, &url, &err));
	HOLDS(same_text(redis->user, url.user) && same_text(redis->password, url.password));
	HOLDS(!redis->host || same_text(redis->host, url.host ? url.host : "localhost"));
}

static void
write_user(struct buf *out, const struct redis_url *redis)
{
	if (!redis->password)
		return;
	if (redis->user)
		buf_percent(out, redis->user, "");
	buf_char(out, ':');
	buf_percent(out, redis->password, "");
	buf_char(out, '@');
}

static void
write_url(struct buf *out, const struct redis_url *redis)
{
	buf_text(out, redis->path ? "unix://" : redis->tls ? "rediss://" : "redis://");
	write_user(out, redis);
	if (redis->path) {
		/* "/path", or "./path" in the working directory, whose dot is the host. */
		buf_text(out, redis->path[0] == '.' ? "./" : "/");
		buf_percent(out, strchr(redis->path, '/') + 1, "/");
	} else {
		buf_char(out, '[');
		buf_percent(out, redis->host, "");
		buf_printf(out, "]:%d/", redis->port);
	}
	buf_printf(out, "?db=%d", redis->database);
	if (redis->ca_file) {
		buf_text(out, "&ssl_ca_certs=");
		buf_percent(out, redis->ca_file, "");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	const char *whole = input_rest(owner, &in);
	struct redis_url redis, again;
	struct error err;
	struct buf text;

	if (redis_url_parse(owner, whole, &redis, &err)) {
		check_parts(&redis);
		check_user(owner, whole, &redis);
		buf_init(&text, owner, 1 << 20);
		write_url(&text, &redis);
		if (text.size <= 4096) {
			HOLDS(redis_url_parse(owner, text.data, &again, &err));
			HOLDS(same_text(redis.path, again.path)
			      && same_text(redis.host, again.host));
			HOLDS(same_text(redis.user, again.user)
			      && same_text(redis.password, again.password));
			HOLDS(same_text(redis.ca_file, again.ca_file) && redis.tls == again.tls);
			HOLDS(redis.path || redis.port == again.port);
			HOLDS(redis.database == again.database);
		}
	} else {
		check_error(&err, FAILURE_INVALID);
	}
	mem_free(owner);
	return 0;
}
