#include "db/connect.h"

#include <assert.h>
#include <poll.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/poll.h"
#include "base/text.h"
#include "db/tls.h"
#include "db/wait.h"

#define RETRIES_MAX   2
#define RETRY_SOON_MS 50  /* full jitter below this, doubled each time */
#define RETRY_LATE_MS 200 /* at least, for a server that is full */
/* The pause after a failure to open one ahead; doubled each time. */
#define AHEAD_PAUSE_MS     1000
#define AHEAD_PAUSE_MAX_MS 60000
/* Reads of what a server sends to an idle connection: a changed parameter, a notice. */
#define IDLE_READS_MAX 16

/* Servers accept sslnegotiation=direct since this version. */
#define DIRECT_SERVER_VERSION 170000
/* Linux has no larger process ID (PID_MAX_LIMIT). A pooler makes up a number of 31 bits; PgBouncer
 * before 1.21 made up one of 32, so half of them were negative. */
#define BACKEND_PID_MAX 4194304
/* A server that does not know direct TLS may just wait, as PgBouncer before 1.25 does. */
#define DIRECT_WAIT_MS 1500

struct connector {
	struct connector_options options;
	struct keywords keywords;
	struct tls_root root;
	const char *host; /* resolved for each attempt; NULL: an address or a Unix socket */
	enum {
		DIRECT_NO,
		DIRECT_TRIED,
		DIRECT_PROVEN,
		DIRECT_REFUSED
	} direct;                  /* TLS without an SSLRequest */
	struct connection current; /* pg is NULL: there is none */
	struct prepared *prepared; /* of the current one; NULL: connections are not kept */
	bool taken;
	struct connect_cost waited; /* in the last connector_acquire() */
	struct dial dial;           /* the last one, or while dialing the current one */
	bool dialing;
	struct deadline dial_deadline;
	int64_t ahead_after_us; /* none is opened ahead before that time */
	int64_t ahead_pause_ms; /* 0: the last one was opened */
	bool tainted;           /* see connector_is_tainted() */
	bool without_client_check;
	struct connector_totals totals;
};

/* --- creation and end --- */

static void
close_connection(struct connection *connection)
{
	PQfinish(connection->pg);
	*connection = (struct connection){ .pg = NULL };
}

static void
close_all(void *at)
{
	struct connector *connector = at;

	if (connector->dialing)
		dial_stop(&connector->dial);
	close_connection(&connector->current);
}

/* Returns true if nothing speaks against direct TLS. What the URL says is obeyed as it is. */
static bool
may_be_direct(const struct connector *connector)
{
	const struct conninfo *info = connector->options.info;

	return connector->keywords.knows_sslnegotiation && !conninfo_get(info, "sslnegotiation")
	       && conninfo_needs_tls(info) && conninfo_is_network(info);
}

static bool
begins_direct(const struct connector *connector)
{
	enum ssl_negotiation wanted = connector->options.negotiation;

	return may_be_direct(connector)
	       && (wanted == NEGOTIATION_DIRECT
	           || (wanted == NEGOTIATION_AUTO && conninfo_is_neon(connector->options.info)));
}

bool
connector_new(void *owner, const struct connector_options *options, struct connector **connector,
              struct error *err)
{
	struct connector *made = mem_new(owner, struct connector);

	made->options = *options;
	if (!keywords_init(&made->keywords, options->info, err))
		return false;
	tls_root_init(&made->root, &made->keywords);
	if (options->mode == CONNECTION_PERSISTENT)
		made->prepared = prepared_new(made);
	made->direct = begins_direct(made) ? DIRECT_TRIED : DIRECT_NO;
	if (conninfo_needs_resolving(options->info))
		made->host = conninfo_get(options->info, "host");
	mem_own(made, made, close_all);
	*connector = made;
	return true;
}

void
connector_load_tls(const struct connector *connector)
{
	if (conninfo_is_network(connector->options.info))
		tls_load();
}

/* --- one attempt --- */

static bool
is_direct(const struct connector *connector)
{
	return connector->direct == DIRECT_TRIED || connector->direct == DIRECT_PROVEN;
}

static void
start_dial(struct connector *connector, struct deadline deadline)
{
	struct keywords keywords = connector->keywords;
	const char *root = tls_root_file(&connector->root);

	tls_prefer_p256();
	if (root)
		keywords_set(&keywords, "sslrootcert", root);
	if (is_direct(connector))
		keywords_set(&keywords, "sslnegotiation", "direct");
	connector->dial_deadline = deadline;
	connector->dialing = true;
	dial_start(&connector->dial, &keywords, connector->host, deadline);
	if (connector->direct == DIRECT_TRIED && connector->options.negotiation == NEGOTIATION_AUTO)
		dial_limit_tls(&connector->dial, DIRECT_WAIT_MS);
}

/* Uses the server's version and process ID. A pooler reports those of a server behind it, and may
 * itself refuse direct TLS. */
static void
learn_direct(struct connector *connector)
{
	if (connector->options.negotiation == NEGOTIATION_AUTO && connector->direct == DIRECT_NO
	    && may_be_direct(connector) && !conninfo_is_pooler(connector->options.info)
	    && PQserverVersion(connector->current.pg) >= DIRECT_SERVER_VERSION
	    && connection_backend_pid(&connector->current) > 0)
		connector->direct = DIRECT_TRIED;
	else if (connector->direct == DIRECT_TRIED)
		connector->direct = DIRECT_PROVEN;
}

static void
adopt_dial(struct connector *connector)
{
	connector->current = (struct connection){
		.since_us = clock_now_us(),
		.prepared = connector->prepared,
		.checks_client = !connector->without_client_check
	};
	if (connector->prepared)
		prepared_reset(connector->prepared);
	connector->current.used_us = connector->current.since_us;
	connector->current.pg = dial_take(&connector->dial);
	connector->dialing = false;
	connector->totals.opened++;
	learn_direct(connector);
	tls_root_learn(&connector->root, connector->current.pg);
}

static void
drop_dial(struct connector *connector)
{
	dial_stop(&connector->dial);
	connector->dialing = false;
}

/* Gives up what was tried because it is cheaper, if it may be why the attempt failed. Not after an
 * error of the server's own. Returns true if another attempt may succeed. */
static bool
fall_back(struct connector *connector)
{
	bool again = false;

	if (*connector->dial.err.sqlstate || connector->dial.retry == RETRY_LATE)
		return false;
	if (connector->dial.refused)
		again = tls_root_forget(&connector->root);
	if (is_direct(connector) && connector->options.negotiation == NEGOTIATION_AUTO
	    && connector->dial.phase == CONNECT_TLS && connector->dial.retry != RETRY_NEVER) {
		/* What has worked before may work again, once learn_direct() allows it. */
		connector->direct = connector->direct == DIRECT_PROVEN ? DIRECT_NO : DIRECT_REFUSED;
		log_printf(LOG_INFO, "direct TLS refused", "%s", connector->dial.err.detail);
		again = true;
	}
	return again;
}

/* --- a connection for a request --- */

static int64_t
pause_ms(enum sqlstate_retry retry, int attempt)
{
	if (retry == RETRY_LATE)
		return RETRY_LATE_MS + clock_jitter_ms(RETRY_LATE_MS);
	return clock_jitter_ms((int64_t)RETRY_SOON_MS << attempt);
}

static bool
may_retry(const struct dial *dial, int attempt, struct deadline deadline)
{
	int tries = dial->retry == RETRY_LATE ? 1 : RETRIES_MAX;

	return dial->retry != RETRY_NEVER && attempt < tries && !deadline_passed(deadline);
}

/* Returns false if the client left meanwhile. */
static bool
pause_before_retry(int64_t ms, struct deadline deadline, const int *client)
{
	if (client)
		return poll_until(*client, 0, deadline_within_ms(deadline, ms)) == POLL_TIMEOUT;
	clock_sleep_ms(ms, deadline);
	return true;
}

/* Nobody waited for what was spent ahead. */
static void
subtract_cost(struct connect_cost *cost, const struct connect_cost *spent)
{
	cost->round_trips -= spent->round_trips;
	cost->total_us -= spent->total_us;
	for (size_t i = 0; i < CONNECT_PHASE__MAX; i++)
		cost->phases_us[i] -= spent->phases_us[i];
}

const char *const connect_failure_names[CONNECT_FAILURE__MAX + 1] = {
	[FAILED_NETWORK] = "network",
	[FAILED_TIMEOUT] = "timeout",
	[FAILED_AUTHENTICATION] = "authentication",
	[FAILED_FULL] = "full",
	[FAILED_SERVER] = "server",
};

static enum connect_failure
failure_of(const struct error *err, struct deadline deadline)
{
	if (text_starts(err->sqlstate, "28"))
		return FAILED_AUTHENTICATION;
	if (text_starts(err->sqlstate, "53"))
		return FAILED_FULL;
	if (err->sqlstate[0])
		return FAILED_SERVER;
	return deadline_passed(deadline) ? FAILED_TIMEOUT : FAILED_NETWORK;
}

/* Neither the network nor an error of the server's, and no attempt has succeeded before. A wrong
 * configuration may look the same: with the wrong CA each request costs one more fork, 1 ms of the
 * 10 it took. */
static bool
may_be_own_fault(const struct connector *connector, struct deadline deadline)
{
	const struct dial *dial = &connector->dial;

	return connector->totals.opened == 0
	       && (dial->phase == CONNECT_TLS || dial->phase == CONNECT_AUTH)
	       && !*dial->err.sqlstate && !deadline_passed(deadline);
}

/* Tries until a connection is open or no retry is allowed. Returns false if the client left first.
 */
static bool
try_to_connect(struct connector *connector, struct deadline deadline, const int *client)
{
	if (connector->dialing) {
		dial_account(&connector->dial);
		subtract_cost(&connector->waited, &connector->dial.cost);
	}
	for (int attempt = 0;;) {
		bool stayed;

		if (!connector->dialing)
			start_dial(connector, deadline);
		stayed = dial_finish(&connector->dial, deadline, client);
		connect_cost_add(&connector->waited, &connector->dial.cost);
		if (connector->dial.state == DIAL_DONE) {
			adopt_dial(connector);
			return true;
		}
		drop_dial(connector);
		if (!stayed)
			return false;
		if (fall_back(connector))
			continue;
		if (!may_retry(&connector->dial, attempt, deadline))
			return true;
		if (!pause_before_retry(pause_ms(connector->dial.retry, attempt++), deadline,
		                        client))
			return false;
	}
}

static bool
connect_now(struct connector *connector, struct deadline request, const int *client,
            struct error *err)
{
	struct deadline deadline = deadline_within_ms(request,
	                                              connector->options.connect_timeout_s * 1000);

	if (wait_is_abandoned(client) || !try_to_connect(connector, deadline, client)) {
		wait_error_abandoned(err);
		return false;
	}
	if (connector->current.pg)
		return true;
	*err = connector->dial.err;
	if (deadline_passed(request))
		err->kind = FAILURE_TIMEOUT;
	connector->totals.failed[failure_of(err, deadline)]++;
	connector->tainted = may_be_own_fault(connector, deadline);
	return false;
}

void
connector_forget_address(const struct connector *connector)
{
	if (connector->host)
		resolve_forget(connector->host);
}

void
connector_disable_client_check(struct connector *connector)
{
	connector->without_client_check = true;
}

bool
connector_is_tainted(const struct connector *connector)
{
	return connector->tainted;
}

/* PQstatus() of a killed connection is still CONNECTION_OK. If it is readable while idle, the
 * server may have said goodbye. */
static bool
is_alive(PGconn *pg)
{
	struct pollfd poll_fd = { .fd = PQsocket(pg), .events = POLLIN };

	/* Endless input is not a sign of life. */
	for (int i = 0; poll(&poll_fd, 1, 0) > 0; i++)
		if (i == IDLE_READS_MAX || !PQconsumeInput(pg)
		    || (poll_fd.revents & (POLLHUP | POLLERR)))
			return false;
	/* Reads a FATAL that came, which only DEBUG logs. */
	(void)PQisBusy(pg);
	return PQstatus(pg) == CONNECTION_OK && PQtransactionStatus(pg) == PQTRANS_IDLE;
}

static bool
is_usable(const struct connector *connector)
{
	const struct connection *current = &connector->current;
	const struct connector_options *options = &connector->options;
	int64_t age_us = clock_now_us() - current->since_us;
	int64_t life_s = options->mode == CONNECTION_AHEAD ? options->ahead_ttl_s
	                                                   : options->recycle_s;

	if (!current->pg || (life_s >= 0 && age_us >= life_s * 1000000))
		return false;
	return (!options->pre_ping && options->mode != CONNECTION_AHEAD) || is_alive(current->pg);
}

/* Closes a connection that nobody uses. */
static void
discard_idle(struct connector *connector)
{
	connector->totals.ahead_wasted += connector_ahead(connector) == AHEAD_READY;
	close_connection(&connector->current);
}

bool
connector_acquire(struct connector *connector, struct deadline deadline, const int *client,
                  struct connection **connection, struct error *err)
{
	assert(!connector->taken);
	connector->waited = (struct connect_cost){ 0 };
	if (!connector->dialing && is_usable(connector)) {
		connector->current.reused = true;
		connector->totals.ahead_used += connector->options.mode == CONNECTION_AHEAD;
	} else {
		discard_idle(connector);
		if (!connect_now(connector, deadline, client, err))
			return false;
	}
	connector->taken = true;
	*connection = &connector->current;
	return true;
}

const struct connector_totals *
connector_totals(const struct connector *connector)
{
	return &connector->totals;
}

bool
connector_timed_out(const struct connector *connector)
{
	return connector->dial.timed_out;
}

enum connect_phase
connector_phase(const struct connector *connector)
{
	return connector->dial.phase;
}

const struct connect_cost *
connector_cost(const struct connector *connector)
{
	return &connector->waited;
}

void
connector_release(struct connector *connector, struct connection *connection, bool usable)
{
	assert(connector->taken && connection == &connector->current);
	connector->taken = false;
	connection->used_us = clock_now_us();
	if (!usable || connector->options.mode != CONNECTION_PERSISTENT
	    || PQstatus(connection->pg) != CONNECTION_OK
	    || PQtransactionStatus(connection->pg) != PQTRANS_IDLE)
		close_connection(connection);
}

/* --- ahead --- */

/* No request has failed yet: the next one tries for itself. */
static void
pause_ahead(struct connector *connector)
{
	int64_t pause = connector->ahead_pause_ms * 2;

	if (pause < AHEAD_PAUSE_MS)
		pause = AHEAD_PAUSE_MS;
	if (pause > AHEAD_PAUSE_MAX_MS)
		pause = AHEAD_PAUSE_MAX_MS;
	connector->ahead_pause_ms = pause;
	connector->ahead_after_us = clock_now_us() + pause * 1000;
	log_printf(LOG_WARNING, "could not connect ahead", "%s", connector->dial.err.detail);
}

static void
finish_ahead(struct connector *connector)
{
	while (connector->dialing && connector->dial.state == DIAL_FAILED) {
		drop_dial(connector);
		if (fall_back(connector))
			start_dial(connector, connector->dial_deadline);
		else
			pause_ahead(connector);
	}
	if (connector->dialing && connector->dial.state == DIAL_DONE) {
		adopt_dial(connector);
		connector->ahead_pause_ms = 0;
	}
}

void
connector_open_ahead(struct connector *connector)
{
	assert(!connector->taken);
	if (connector->options.mode != CONNECTION_AHEAD || connector->dialing
	    || connector->current.pg || clock_now_us() < connector->ahead_after_us)
		return;
	start_dial(connector, deadline_in_ms(connector->options.connect_timeout_s * 1000));
	finish_ahead(connector);
}

void
connector_drop_ahead(struct connector *connector)
{
	if (connector->dialing)
		drop_dial(connector);
	if (connector_ahead(connector) == AHEAD_READY && !connector->taken)
		discard_idle(connector);
}

struct dial_need
connector_need(const struct connector *connector)
{
	int64_t ttl_us = connector->options.ahead_ttl_s * 1000000;

	if (connector->dialing)
		return dial_need(&connector->dial, connector->dial_deadline);
	if (connector_ahead(connector) == AHEAD_READY)
		return (struct dial_need){ PQsocket(connector->current.pg), POLLIN,
			                   deadline_left_ms((struct deadline){
			                       connector->current.since_us + ttl_us }) };
	return (struct dial_need){ -1, 0, -1 };
}

void
connector_step(struct connector *connector)
{
	if (connector->dialing) {
		dial_step(&connector->dial, connector->dial_deadline);
		finish_ahead(connector);
	} else if (connector_ahead(connector) == AHEAD_READY && !is_usable(connector)) {
		discard_idle(connector);
	}
}

enum connector_ahead
connector_ahead(const struct connector *connector)
{
	if (connector->dialing)
		return AHEAD_OPENING;
	return connector->current.pg && connector->options.mode == CONNECTION_AHEAD ? AHEAD_READY
	                                                                            : AHEAD_NONE;
}

/* --- a connection --- */

const char *
connection_tls(const struct connection *connection)
{
	return PQsslInUse(connection->pg) ? PQsslAttribute(connection->pg, "protocol") : NULL;
}

/* A router may have forgotten a connection that was idle for longer, which only sending shows. So
 * its first flight carries no commit and can be repeated on another connection; a write then costs
 * one round trip more. */
#define UNPROVEN_US INT64_C(10000000)

bool
connection_is_unproven(const struct connection *connection)
{
	return connection->reused && clock_now_us() - connection->used_us > UNPROVEN_US;
}

int
connection_backend_pid(const struct connection *connection)
{
	int pid = PQbackendPID(connection->pg);

	return pid <= BACKEND_PID_MAX && pid > 0 ? pid : 0;
}

const char *
connection_server_version(const struct connection *connection)
{
	const char *version = PQparameterStatus(connection->pg, "server_version");

	return version ? version : "unknown";
}
