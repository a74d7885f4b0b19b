#include "cache/redis.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <sys/time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/resolve.h"
#include "base/stream.h"
#include "base/text.h"
#include "cache/redis_tls.h"

#define BACKOFF_US  INT64_C(1000000)
#define READ_BYTES  16384
#define ERROR_BYTES 256

struct redis {
	const struct redis_url *url;
	int64_t timeout_ms;       /* of one call, with the connection it may have to open */
	struct deadline deadline; /* of the call */
	redisContext *context;    /* NULL: not connected */
	struct stream *stream;    /* on its socket */
	int64_t next_try_us;
	struct log_limit log_limit; /* of failures */
	struct redis_cost cost;
	char error[ERROR_BYTES]; /* of the last failure */
};

static void
disconnect(struct redis *redis)
{
	mem_free(redis->stream); /* before its socket */
	redis->stream = NULL;
	if (redis->context)
		redisFree(redis->context);
	redis->context = NULL;
}

static void
release_connection(void *redis)
{
	disconnect(redis);
}

struct redis *
redis_new(void *owner, const struct redis_url *url, int64_t timeout_ms)
{
	struct redis *redis = mem_new(owner, struct redis);

	redis->url = url;
	redis->timeout_ms = timeout_ms;
	mem_own(redis, redis, release_connection);
	return redis;
}

static void
log_failure(struct redis *redis, const char *doing, const char *why)
{
	(void)snprintf(redis->error, sizeof(redis->error), "%s: %s", doing, why);
	if (log_limit_allows(&redis->log_limit))
		log_printf(LOG_WARNING, "redis failed", "%s", redis->error);
}

static void
back_off(struct redis *redis)
{
	redis->next_try_us = clock_now_us() + BACKOFF_US;
	disconnect(redis);
}

/* Returns false. */
static bool
connection_failed(struct redis *redis, const char *doing, const char *why)
{
	log_failure(redis, doing, why);
	back_off(redis);
	return false;
}

/* --- one command --- */

static bool
write_command(struct redis *redis, const struct redis_arg *args, size_t count)
{
	const char *bytes[REDIS_ARGS_MAX];
	size_t sizes[REDIS_ARGS_MAX];
	char *command;
	long long size;
	bool written;

	assert(count <= REDIS_ARGS_MAX);
	for (size_t i = 0; i < count; i++) {
		bytes[i] = args[i].bytes;
		sizes[i] = args[i].size;
	}
	size = redisFormatCommandArgv(&command, (int)count, bytes, sizes);
	if (size < 0)
		mem_exhausted();
	written = stream_write(redis->stream, redis->deadline, command, (size_t)size);
	redisFreeCommand(command);
	return written;
}

static bool
send_command(struct redis *redis, const struct redis_arg *args, size_t count)
{
	return write_command(redis, args, count)
	       || connection_failed(redis, args[0].bytes, stream_last_error(redis->stream));
}

/* Returns NULL with *why if the connection is of no further use. */
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
		*why = "the reply is too long";
		if (reader->len > REDIS_REPLY_MAX)
			return NULL;
		*why = stream_last_error(redis->stream);
		if (!stream_read(redis->stream, redis->deadline, bytes, sizeof(bytes), &got))
			return NULL;
		if (redisReaderFeed(reader, bytes, got) != REDIS_OK)
			mem_exhausted();
	}
}

/* Returns false if the reply is an error or of a type that no command here returns. */
static bool
copy_reply(void *owner, const redisReply *from, struct redis_reply *reply)
{
	bool text = from->type == REDIS_REPLY_STRING || from->type == REDIS_REPLY_STATUS;

	*reply = (struct redis_reply){ .nil = from->type == REDIS_REPLY_NIL, .text = "" };
	if (from->type == REDIS_REPLY_INTEGER)
		reply->number = from->integer;
	if (text) {
		char *copy = mem_resize(owner, NULL, (size_t)from->len + 1);

		memcpy(copy, from->str, (size_t)from->len + 1);
		reply->text = copy;
		reply->size = (size_t)from->len;
	}
	return reply->nil || text || from->type == REDIS_REPLY_INTEGER;
}

/* The error concerns the server and not the command: a new connection may find it recovered, or
 * find another server. */
static bool
is_server_error(const char *error)
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

/* The connection stays usable after an error reply. */
static void
handle_error_reply(struct redis *redis, const char *command, const char *error,
                   struct redis_reply *reply)
{
	reply->wrong_type = text_starts(error, "WRONGTYPE");
	log_failure(redis, command, error);
	if (!is_server_error(error))
		return;
	/* After a failover the name may resolve to another server. */
	if (redis->url->host)
		resolve_forget(redis->url->host);
	back_off(redis);
}

static bool
receive_reply(void *owner, struct redis *redis, const char *command, struct redis_reply *reply)
{
	const char *why;
	redisReply *read = read_reply(redis, &why);
	bool ok;

	if (!read)
		return connection_failed(redis, command, why);
	ok = copy_reply(owner, read, reply);
	if (read->type == REDIS_REPLY_ERROR)
		handle_error_reply(redis, command, read->str, reply);
	else if (!ok)
		(void)connection_failed(redis, command, "the reply has an unexpected type");
	freeReplyObject(read);
	return ok;
}

static bool
run_command(void *owner, struct redis *redis, const struct redis_arg *args, size_t count,
            struct redis_reply *reply)
{
	return send_command(redis, args, count)
	       && receive_reply(owner, redis, args[0].bytes, reply);
}

/* --- the connection --- */

/* AUTH and SELECT, as far as the URL asks for them. */
static bool
log_in(struct redis *redis)
{
	const struct redis_url *url = redis->url;
	char *database = mem_printf(NULL, "%d", url->database);
	struct redis_arg args[3] = { redis_arg("AUTH") };
	struct redis_reply reply;
	size_t count = 1;
	bool ok = true;

	if (url->user)
		args[count++] = redis_arg(url->user);
	if (url->password) {
		args[count++] = redis_arg(url->password);
		ok = run_command(database, redis, args, count, &reply);
	}
	args[0] = redis_arg("SELECT");
	args[1] = redis_arg(database);
	if (ok && url->database > 0)
		ok = run_command(database, redis, args, 2, &reply);
	if (!ok)
		back_off(redis);
	mem_free(database);
	return ok;
}

/* An equal share of the time that is left, for hiredis. At least a millisecond, because 0 has no
 * limit. */
static struct timeval
connect_timeout(const struct redis *redis, size_t shares)
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
connect_failed(struct redis *redis)
{
	return connection_failed(redis, "connect",
	                         redis->context ? redis->context->errstr : "out of memory");
}

/* Tries the host's addresses in turn, each with its share of the time. Resolves here, because
 * hiredis would wait for as long as the resolver likes. */
static bool
connect_to_host(struct redis *redis)
{
	const struct redis_url *url = redis->url;
	struct addresses addresses;
	const char *why;

	if (!resolve(url->host, redis->deadline, &addresses, &why)) {
		char text[ERROR_BYTES];

		(void)snprintf(text, sizeof(text), "could not resolve \"%s\": %s", url->host, why);
		return connection_failed(redis, "connect", text);
	}
	for (size_t i = 0; i < addresses.count; i++) {
		disconnect(redis);
		redis->context = redisConnectWithTimeout(
		    addresses.texts[i], url->port, connect_timeout(redis, addresses.count - i));
		if (has_connected(redis))
			return true;
	}
	/* The server may have moved. */
	resolve_forget(url->host);
	return connect_failed(redis);
}

/* hiredis' own timeout counts for each read, so a server that sends a byte at a time would hold it
 * for ever. From here on stream.h waits. */
static bool
set_nonblocking(redisContext *context)
{
	int flags = fcntl(context->fd, F_GETFL);

	context->flags &= ~REDIS_BLOCK;
	return flags >= 0 && fcntl(context->fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool
start_tls(struct redis *redis)
{
	const char *why;
	SSL *tls = redis_tls_new(redis->url->host, redis->url->ca_file, &why);

	if (!tls)
		return connection_failed(redis, "TLS", why);
	return stream_start_tls(redis->stream, tls, redis->deadline)
	       || connection_failed(redis, "TLS", stream_last_error(redis->stream));
}

static bool
open_connection(struct redis *redis)
{
	const struct redis_url *url = redis->url;

	if (url->path) {
		redis->context = redisConnectUnixWithTimeout(url->path, connect_timeout(redis, 1));
		if (!has_connected(redis))
			return connect_failed(redis);
	} else if (!connect_to_host(redis)) {
		return false;
	}
	if (!set_nonblocking(redis->context))
		return connection_failed(redis, "connect", strerror(errno));
	/* Has no owner: disconnect() releases it, and may run when redis' children are gone. */
	redis->stream = stream_new(NULL, redis->context->fd);
	return (!url->tls || start_tls(redis)) && log_in(redis);
}

/* An idle connection may have died unnoticed. If it is readable while no command is under way, the
 * server has closed it. */
static bool
is_alive(struct redis *redis)
{
	if (!redis->stream)
		return false;
	if (stream_is_idle(redis->stream))
		return true;
	disconnect(redis);
	return false;
}

/* Returns false while the server is left alone after a failure. */
static bool
start_call(struct redis *redis, struct deadline deadline)
{
	redis->deadline = deadline_within_ms(deadline, redis->timeout_ms);
	return clock_now_us() >= redis->next_try_us;
}

static void
count_call(struct redis *redis, int64_t start_us)
{
	redis->cost.calls++;
	redis->cost.us += clock_now_us() - start_us;
}

bool
redis_command(void *owner, struct redis *redis, struct deadline deadline,
              const struct redis_arg *args, size_t count, struct redis_reply *reply)
{
	int64_t start_us = clock_now_us();
	bool ok;

	*reply = (struct redis_reply){ .text = "" };
	if (!start_call(redis, deadline))
		return false;
	ok = (is_alive(redis) || open_connection(redis))
	     && run_command(owner, redis, args, count, reply);
	count_call(redis, start_us);
	return ok;
}

/* Sends all commands before it reads the first reply. They are few and short, so neither side
 * blocks the other. */
static bool
delete_keys(struct redis *redis, const char *const *keys, size_t count)
{
	void *scope = mem_scope(redis, "delete");
	struct redis_arg args[] = { REDIS_ARG("DEL"), { NULL, 0 } };
	struct redis_reply reply;
	bool all = true;

	for (size_t i = 0; redis->stream && i < count; i++) {
		args[1] = redis_arg(keys[i]);
		all = send_command(redis, args, 2) && all;
	}
	for (size_t i = 0; redis->stream && i < count; i++)
		all = receive_reply(scope, redis, "DEL", &reply) && all;
	mem_free(scope);
	return all && redis->stream;
}

bool
redis_delete(struct redis *redis, struct deadline deadline, const char *const *keys, size_t count)
{
	int64_t start_us = clock_now_us();
	bool ok;

	if (!start_call(redis, deadline))
		return false;
	ok = (is_alive(redis) || open_connection(redis)) && delete_keys(redis, keys, count);
	count_call(redis, start_us);
	return ok;
}

struct redis_cost
redis_cost(const struct redis *redis)
{
	return redis->cost;
}

const char *
redis_last_error(const struct redis *redis)
{
	return redis->error;
}

void
redis_retry_now(struct redis *redis)
{
	redis->next_try_us = 0;
}
