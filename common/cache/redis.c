#include "cache/redis.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <sys/time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/resolve.h"
#include "base/text.h"
#include "cache/wire.h"

#define PAUSE_US   INT64_C(1000000)
#define SILENCE_US INT64_C(60000000)
#define READ_BYTES 16384
#define WHY_BYTES  256

struct redis {
	const struct redis_url *where;
	int64_t timeout_ms;       /* of all that one call does */
	struct deadline deadline; /* of the call */
	redisContext *context;    /* NULL: not connected */
	struct wire *wire;        /* on its socket */
	int64_t away_until_us;    /* nothing is tried before */
	int64_t silent_until_us;  /* failures are not logged before */
	struct redis_cost cost;
	char why[WHY_BYTES]; /* the last one failed */
};

static void
disconnect(struct redis *redis)
{
	mem_free(redis->wire); /* before its socket */
	redis->wire = NULL;
	if (redis->context)
		redisFree(redis->context);
	redis->context = NULL;
}

static void
release(void *redis)
{
	disconnect(redis);
}

struct redis *
redis_new(void *owner, const struct redis_url *where, int64_t timeout_ms)
{
	struct redis *redis = mem_new(owner, struct redis);

	redis->where = where;
	redis->timeout_ms = timeout_ms;
	mem_own(redis, redis, release);
	return redis;
}

static void
complain(struct redis *redis, const char *doing, const char *why)
{
	int64_t now_us = clock_now_us();

	(void)snprintf(redis->why, sizeof(redis->why), "%s: %s", doing, why);
	if (now_us >= redis->silent_until_us) {
		log_printf(LOG_WARNING, "redis failed", "%s", redis->why);
		redis->silent_until_us = now_us + SILENCE_US;
	}
}

static void
leave_alone(struct redis *redis)
{
	redis->away_until_us = clock_now_us() + PAUSE_US;
	disconnect(redis);
}

/* Returns false. */
static bool
failed(struct redis *redis, const char *doing, const char *why)
{
	complain(redis, doing, why);
	leave_alone(redis);
	return false;
}

/* --- one command --- */

static bool
send_all(struct redis *redis, const struct redis_arg *words, size_t count)
{
	const char *bytes[REDIS_ARGS_MAX];
	size_t sizes[REDIS_ARGS_MAX];
	char *command;
	long long size;
	bool sent;

	assert(count <= REDIS_ARGS_MAX);
	for (size_t i = 0; i < count; i++) {
		bytes[i] = words[i].bytes;
		sizes[i] = words[i].size;
	}
	size = redisFormatCommandArgv(&command, (int)count, bytes, sizes);
	if (size < 0)
		mem_exhausted();
	sent = wire_write(redis->wire, redis->deadline, command, (size_t)size);
	redisFreeCommand(command);
	return sent;
}

/* NULL: the connection is no good any more; *why is filled. */
static redisReply *
read_reply(struct redis *redis, const char **why)
{
	redisReader *reader = redis->context->reader;
	void *reply = NULL;

	for (;;) {
		char bytes[READ_BYTES];
		size_t got;

		*why = reader->errstr;
		if (redisReaderGetReply(reader, &reply) != REDIS_OK)
			return NULL;
		if (reply)
			return reply;
		*why = "an answer that is too long";
		if (reader->len > REDIS_REPLY_MAX)
			return NULL;
		*why = wire_last_error(redis->wire);
		if (!wire_read(redis->wire, redis->deadline, bytes, sizeof(bytes), &got))
			return NULL;
		if (redisReaderFeed(reader, bytes, got) != REDIS_OK)
			mem_exhausted();
	}
}

static bool
take(void *owner, const redisReply *reply, struct redis_reply *answer)
{
	bool text = reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;

	*answer = (struct redis_reply){ .nil = reply->type == REDIS_REPLY_NIL, .text = "" };
	if (reply->type == REDIS_REPLY_INTEGER)
		answer->number = reply->integer;
	if (text) {
		char *copy = mem_resize(owner, NULL, (size_t)reply->len + 1);

		memcpy(copy, reply->str, (size_t)reply->len + 1);
		answer->text = copy;
		answer->size = (size_t)reply->len;
	}
	return answer->nil || text || reply->type == REDIS_REPLY_INTEGER;
}

/* An error of the server's, rather than of what was asked: another connection may find it well, or
 * another server. */
static bool
is_unwell(const char *error)
{
	static const char *const codes[] = { "LOADING",
		                             "MASTERDOWN",
		                             "CLUSTERDOWN",
		                             "NOAUTH",
		                             "READONLY",
		                             "DENIED",
		                             "ERR max number of clients" };

	for (size_t i = 0; i < COUNT_OF(codes); i++)
		if (text_starts(error, codes[i]))
			return true;
	return false;
}

/* It answered, and said no: the connection is as good as before. */
static void
refused(struct redis *redis, const char *doing, const char *error, struct redis_reply *answer)
{
	answer->wrong_type = text_starts(error, "WRONGTYPE");
	complain(redis, doing, error);
	if (!is_unwell(error))
		return;
	/* After a failover the name may be another server's. */
	if (redis->where->host)
		resolve_forget(redis->where->host);
	leave_alone(redis);
}

static bool
hear(void *owner, struct redis *redis, const char *doing, struct redis_reply *answer)
{
	const char *why;
	redisReply *reply = read_reply(redis, &why);
	bool good;

	if (!reply)
		return failed(redis, doing, why);
	good = take(owner, reply, answer);
	if (reply->type == REDIS_REPLY_ERROR)
		refused(redis, doing, reply->str, answer);
	else if (!good)
		(void)failed(redis, doing, "an answer of another type");
	freeReplyObject(reply);
	return good;
}

static bool
say(struct redis *redis, const struct redis_arg *words, size_t count)
{
	return send_all(redis, words, count)
	       || failed(redis, words[0].bytes, wire_last_error(redis->wire));
}

static bool
converse(void *owner, struct redis *redis, const struct redis_arg *words, size_t count,
         struct redis_reply *answer)
{
	return say(redis, words, count) && hear(owner, redis, words[0].bytes, answer);
}

/* --- the connection --- */

/* AUTH and SELECT, as far as the URL asks for them. */
static bool
introduce(struct redis *redis)
{
	const struct redis_url *where = redis->where;
	char *database = mem_printf(NULL, "%d", where->database);
	struct redis_arg words[3] = { redis_arg("AUTH") };
	struct redis_reply answer;
	size_t count = 1;
	bool good = true;

	if (where->user)
		words[count++] = redis_arg(where->user);
	if (where->password) {
		words[count++] = redis_arg(where->password);
		good = converse(database, redis, words, count, &answer);
	}
	words[0] = redis_arg("SELECT");
	words[1] = redis_arg(database);
	if (good && where->database > 0)
		good = converse(database, redis, words, 2, &answer);
	if (!good)
		leave_alone(redis);
	mem_free(database);
	return good;
}

/* A share of what is left, for hiredis: at least a millisecond, since 0 would be for ever. */
static struct timeval
time_for(const struct redis *redis, size_t shares)
{
	int64_t ms = deadline_left_ms(redis->deadline) / (int64_t)shares;

	if (ms < 1)
		ms = 1;
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

static bool
has_connected(const struct redis *redis)
{
	return redis->context && !redis->context->err;
}

static bool
failed_to_connect(struct redis *redis)
{
	return failed(redis, "connect", redis->context ? redis->context->errstr : "no memory");
}

/* Its addresses in turn, each with its share of the time; hiredis would resolve for as long as the
 * resolver likes. */
static bool
dial(struct redis *redis)
{
	const struct redis_url *where = redis->where;
	struct addresses addresses;
	const char *why;

	if (!resolve(where->host, redis->deadline, &addresses, &why)) {
		char text[WHY_BYTES];

		(void)snprintf(text, sizeof(text), "could not resolve \"%s\": %s", where->host,
		               why);
		return failed(redis, "connect", text);
	}
	for (size_t i = 0; i < addresses.count; i++) {
		disconnect(redis);
		redis->context = redisConnectWithTimeout(addresses.texts[i], where->port,
		                                         time_for(redis, addresses.count - i));
		if (has_connected(redis))
			return true;
	}
	/* They may have moved. */
	resolve_forget(where->host);
	return failed_to_connect(redis);
}

/* From here on we wait ourselves: hiredis' own timeout is for each read, and a byte at a time would
 * take for ever. */
static bool
stop_blocking(redisContext *context)
{
	int flags = fcntl(context->fd, F_GETFL);

	context->flags &= ~REDIS_BLOCK;
	return flags >= 0 && fcntl(context->fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool
open_connection(struct redis *redis)
{
	const struct redis_url *where = redis->where;

	if (where->path) {
		redis->context = redisConnectUnixWithTimeout(where->path, time_for(redis, 1));
		if (!has_connected(redis))
			return failed_to_connect(redis);
	} else if (!dial(redis)) {
		return false;
	}
	if (!stop_blocking(redis->context))
		return failed(redis, "connect", strerror(errno));
	/* Its end is disconnect(), which is called when redis' own children may be gone. */
	redis->wire = wire_new(NULL, redis->context->fd, where->tls ? where->host : NULL,
	                       where->ca_file);
	if (!wire_handshake(redis->wire, redis->deadline))
		return failed(redis, "TLS", wire_last_error(redis->wire));
	return introduce(redis);
}

/* A kept connection may have died unseen. Readable while nothing was asked is the end of it. */
static bool
is_alive(struct redis *redis)
{
	if (!redis->wire)
		return false;
	if (wire_is_idle(redis->wire))
		return true;
	disconnect(redis);
	return false;
}

/* False: it is not tried, for a while after a failure. */
static bool
begin(struct redis *redis, struct deadline deadline)
{
	redis->deadline = deadline_within_ms(deadline, redis->timeout_ms);
	return clock_now_us() >= redis->away_until_us;
}

static void
count_call(struct redis *redis, int64_t start_us)
{
	redis->cost.calls++;
	redis->cost.us += clock_now_us() - start_us;
}

bool
redis_command(void *owner, struct redis *redis, struct deadline deadline,
              const struct redis_arg *words, size_t count, struct redis_reply *answer)
{
	int64_t start_us = clock_now_us();
	bool good;

	*answer = (struct redis_reply){ .text = "" };
	if (!begin(redis, deadline))
		return false;
	good = (is_alive(redis) || open_connection(redis))
	       && converse(owner, redis, words, count, answer);
	count_call(redis, start_us);
	return good;
}

/* All are said before the first answer is heard: they are few and short, so that neither side waits
 * for the other. */
static bool
delete_each(struct redis *redis, const char *const *keys, size_t count)
{
	void *scope = mem_scope(redis, "delete");
	struct redis_arg words[] = { REDIS_ARG("DEL"), { NULL, 0 } };
	struct redis_reply answer;
	bool all = true;

	for (size_t i = 0; redis->wire && i < count; i++) {
		words[1] = redis_arg(keys[i]);
		all = say(redis, words, 2) && all;
	}
	for (size_t i = 0; redis->wire && i < count; i++)
		all = hear(scope, redis, "DEL", &answer) && all;
	mem_free(scope);
	return all && redis->wire;
}

bool
redis_delete(struct redis *redis, struct deadline deadline, const char *const *keys, size_t count)
{
	int64_t start_us = clock_now_us();
	bool good;

	if (!begin(redis, deadline))
		return false;
	good = (is_alive(redis) || open_connection(redis)) && delete_each(redis, keys, count);
	count_call(redis, start_us);
	return good;
}

struct redis_cost
redis_cost(const struct redis *redis)
{
	return redis->cost;
}

const char *
redis_last_error(const struct redis *redis)
{
	return redis->why;
}

void
redis_retry_now(struct redis *redis)
{
	redis->away_until_us = 0;
}
