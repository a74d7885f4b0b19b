#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/connect.h"
#include "db/resolve.h"
#include "db/sqlstate.h"
#include "db/wait.h"

#define RETRIES_MAX    2
#define RETRY_SOON_MS  50  /* full jitter below this, doubled each time */
#define RETRY_LATE_MS  200 /* at least, for a server that is full */
#define EXTRA_KEYWORDS 4   /* client_encoding, gssencmode, hostaddr */

struct connector {
	struct connector_options options;
	const char *keywords[CONNINFO_MAX + EXTRA_KEYWORDS + 1];
	const char *values[CONNINFO_MAX + EXTRA_KEYWORDS + 1];
	size_t count;
	const char *host;          /* to be resolved for each attempt; NULL: it is an address or a socket */
	struct connection current; /* pg is NULL: none */
	bool taken;
};

void
connector_clean_environment(void)
{
	static const char *const kept[] = { "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY" };
	PQconninfoOption *options = PQconndefaults();

	for (PQconninfoOption *option = options; option && option->keyword; option++) {
		bool keep = !option->envvar;

		for (size_t i = 0; !keep && i < COUNT_OF(kept); i++)
			keep = strcmp(kept[i], option->envvar) == 0;
		if (!keep)
			(void)unsetenv(option->envvar);
	}
	PQconninfoFree(options);
	/* libpq's other ones: not of its keyword table, but sent at start-up or read from files. */
	(void)unsetenv("PGTZ");
	(void)unsetenv("PGDATESTYLE");
	(void)unsetenv("PGGEQO");
	(void)unsetenv("PGSERVICEFILE");
	(void)unsetenv("PGSYSCONFDIR");
}

static bool
is_known(const PQconninfoOption *options, const char *keyword)
{
	for (; options && options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return true;
	return false;
}

/* Whether leaving it out could connect where the person who wrote it would not have. */
static bool
is_protective(const char *keyword)
{
	return strcmp(keyword, "sslnegotiation") != 0 && strcmp(keyword, "sslsni") != 0;
}

static void
add(struct connector *connector, const char *keyword, const char *value)
{
	connector->keywords[connector->count] = keyword;
	connector->values[connector->count++] = value;
}

static bool
add_all(struct connector *connector, const PQconninfoOption *known, struct error *err)
{
	const struct conninfo *info = connector->options.info;

	for (size_t i = 0; i < info->count; i++) {
		if (is_known(known, info->keywords[i]))
			add(connector, info->keywords[i], info->values[i]);
		else if (is_protective(info->keywords[i]))
			return error_set(err, NP_INTERNAL, "this libpq (%d) does not know %s", PQlibVersion(),
			                 info->keywords[i]);
		else
			log_printf(LOG_WARNING, "setting ignored", "this libpq (%d) does not know %s",
			           PQlibVersion(), info->keywords[i]);
	}
	add(connector, "client_encoding", "UTF8");
	/* A Kerberos cache would cost a round trip to be refused. */
	if (!conninfo_get(info, "gssencmode") && is_known(known, "gssencmode"))
		add(connector, "gssencmode", "disable");
	return true;
}

static void
discard(struct connection *connection)
{
	PQfinish(connection->pg);
	*connection = (struct connection){ .pg = NULL };
}

static void
close_current(void *connector)
{
	discard(&((struct connector *)connector)->current);
}

static bool
needs_resolving(const struct conninfo *info)
{
	const char *host = conninfo_get(info, "host");
	unsigned char address[sizeof(struct in6_addr)];

	return conninfo_is_network(info) && !conninfo_get(info, "hostaddr")
	       && inet_pton(AF_INET, host, address) != 1 && inet_pton(AF_INET6, host, address) != 1;
}

bool
connector_new(void *owner, const struct connector_options *options, struct connector **connector,
              struct error *err)
{
	struct connector *made = mem_new(owner, struct connector);
	PQconninfoOption *known = PQconndefaults();
	bool added;

	made->options = *options;
	added = add_all(made, known, err);
	PQconninfoFree(known);
	if (!added)
		return false;
	if (needs_resolving(options->info))
		made->host = conninfo_get(options->info, "host");
	mem_own(made, made, close_current);
	*connector = made;
	return true;
}

/* Without one libpq prints to standard error, which holds JSON lines only. */
static void
log_notice(void *unused, const PGresult *result)
{
	(void)unused;
	/* Not the whole message: its detail and context may quote values. */
	log_printf(LOG_DEBUG, "notice", "%s", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

static PostgresPollingStatusType
handshake(PGconn *pg, struct deadline deadline)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
		short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;

		if (wait_fd(PQsocket(pg), events, deadline) != WAIT_READY)
			return status;
		status = PQconnectPoll(pg);
	}
	return status;
}

static void
fail(PGconn *pg, PostgresPollingStatusType status, struct error *err, enum sqlstate_retry *retry)
{
	const char *text = pg ? PQerrorMessage(pg) : "out of memory";
	struct sqlstate_meaning meaning;
	char code[6];

	sqlstate_in_text(text, code);
	meaning = sqlstate_of_connect(code, text);
	*retry = meaning.retry;
	if (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING)
		text = "no answer while connecting, within the time allowed";
	sqlstate_error(err, &meaning, code, text);
}

/* `address` may be NULL; with it libpq resolves nothing, and still takes the host's name for SNI and certificates. */
static bool
try_address(struct connector *connector, const char *address, struct deadline deadline,
            struct connection *connection, struct error *err, enum sqlstate_retry *retry)
{
	PostgresPollingStatusType status = PGRES_POLLING_FAILED;
	int64_t now_us = clock_now_us();
	PGconn *pg;

	connector->keywords[connector->count] = address ? "hostaddr" : NULL;
	connector->values[connector->count] = address;
	pg = PQconnectStartParams(connector->keywords, connector->values, 0);
	if (pg && PQstatus(pg) != CONNECTION_BAD) {
		(void)PQsetErrorVerbosity(pg, PQERRORS_VERBOSE);
		(void)PQsetNoticeReceiver(pg, log_notice, NULL);
		status = handshake(pg, deadline);
	}
	if (status != PGRES_POLLING_OK || PQsetnonblocking(pg, 1) != 0) {
		fail(pg, status, err, retry);
		PQfinish(pg);
		return false;
	}
	*connection = (struct connection){ .pg = pg, .since_us = now_us };
	return true;
}

/* All addresses of the name in turn, each with its share of the time: one that swallows packets must not take it
 * from the others. */
static bool
try_once(struct connector *connector, struct deadline deadline, struct connection *connection,
         struct error *err, enum sqlstate_retry *retry)
{
	struct addresses addresses;

	*retry = RETRY_SOON;
	if (!connector->host)
		return try_address(connector, NULL, deadline, connection, err, retry);
	if (!resolve(connector->host, deadline, &addresses, err))
		return false;
	for (size_t i = 0; i < addresses.count; i++) {
		int64_t share_ms = deadline_left_ms(deadline) / (int64_t)(addresses.count - i);

		if (try_address(connector, addresses.texts[i], deadline_within_ms(deadline, share_ms),
		                connection, err, retry))
			return true;
		/* What the server itself said, all of its addresses would say. */
		if (*err->sqlstate)
			break;
	}
	return false;
}

/* Full jitter: anywhere from 0 to max, so that those who failed together do not come back together. */
static int64_t
jitter_ms(int64_t max)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return max;
	return (int64_t)(random % (uint64_t)(max + 1));
}

static int64_t
pause_ms(enum sqlstate_retry retry, int attempt)
{
	if (retry == RETRY_LATE)
		return RETRY_LATE_MS + jitter_ms(RETRY_LATE_MS);
	return jitter_ms((int64_t)RETRY_SOON_MS << attempt);
}

static bool
connect_fresh(struct connector *connector, struct deadline request, struct connection *connection,
              struct error *err)
{
	struct deadline deadline = deadline_within_ms(request, connector->options.connect_timeout_s * 1000);
	int64_t start_us = clock_now_us();
	struct error last;

	for (int attempt = 0;; attempt++) {
		int tries = RETRIES_MAX;
		enum sqlstate_retry retry;

		if (try_once(connector, deadline, connection, &last, &retry)) {
			connection->opened_us = clock_now_us() - start_us;
			return true;
		}
		if (retry == RETRY_LATE)
			tries = 1;
		if (retry == RETRY_NEVER || attempt >= tries || deadline_passed(deadline))
			break;
		clock_sleep_ms(pause_ms(retry, attempt), deadline);
	}
	*err = last;
	if (deadline_passed(request))
		err->kind = NP_TIMEOUT;
	return false;
}

/* A killed connection still says CONNECTION_OK: readable while idle means that the server said goodbye. */
static bool
is_alive(PGconn *pg)
{
	struct pollfd poll_fd = { .fd = PQsocket(pg), .events = POLLIN };

	while (poll(&poll_fd, 1, 0) > 0)
		if (!PQconsumeInput(pg) || (poll_fd.revents & (POLLHUP | POLLERR)))
			return false;
	/* A FATAL that came with it is read here, into the notice receiver. */
	(void)PQisBusy(pg);
	return PQstatus(pg) == CONNECTION_OK && PQtransactionStatus(pg) == PQTRANS_IDLE;
}

static bool
is_fit(const struct connector *connector)
{
	const struct connection *current = &connector->current;
	int64_t age_us = clock_now_us() - current->since_us;

	if (!current->pg)
		return false;
	if (connector->options.recycle_s >= 0 && age_us >= connector->options.recycle_s * 1000000)
		return false;
	return !connector->options.pre_ping || is_alive(current->pg);
}

bool
connector_acquire(struct connector *connector, struct deadline deadline, struct connection **connection,
                  struct error *err)
{
	assert(!connector->taken);
	if (is_fit(connector)) {
		connector->current.reused = true;
		connector->current.opened_us = 0;
	} else {
		discard(&connector->current);
		if (!connect_fresh(connector, deadline, &connector->current, err))
			return false;
	}
	connector->taken = true;
	*connection = &connector->current;
	return true;
}

void
connector_release(struct connector *connector, struct connection *connection, bool usable)
{
	assert(connector->taken && connection == &connector->current);
	connector->taken = false;
	if (!usable || !connector->options.persistent || PQstatus(connection->pg) != CONNECTION_OK
	    || PQtransactionStatus(connection->pg) != PQTRANS_IDLE)
		discard(connection);
}

const char *
connection_tls(const struct connection *connection)
{
	return PQsslInUse(connection->pg) ? PQsslAttribute(connection->pg, "protocol") : NULL;
}

const char *
connection_server_version(const struct connection *connection)
{
	const char *version = PQparameterStatus(connection->pg, "server_version");

	return version ? version : "unknown";
}
