#include "db/dial.h"

#include <assert.h>
#include <fcntl.h>

#include "base/log.h"
#include "base/poll.h"
#include "base/text.h"
#include "db/tcp.h"
#include "db/tls.h"

#define TIMED_OUT "no answer while connecting, within the time allowed"

const char *const connect_phase_names[CONNECT_PHASE__MAX + 1] = {
	[CONNECT_RESOLVE] = "resolve",
	[CONNECT_TCP] = "tcp",
	[CONNECT_TLS] = "tls",
	[CONNECT_AUTH] = "auth",
};

void
connect_cost_add(struct connect_cost *sum, const struct connect_cost *one)
{
	sum->round_trips += one->round_trips;
	sum->total_us += one->total_us;
	for (size_t i = 0; i < CONNECT_PHASE__MAX; i++)
		sum->phases_us[i] += one->phases_us[i];
}

/* --- cost --- */

/* The time that has passed belongs to the phase until now; then another may begin. */
void
dial_account(struct dial *dial)
{
	int64_t now_us = clock_now_us();

	dial->cost.phases_us[dial->phase] += now_us - dial->accounted_us;
	dial->cost.total_us += now_us - dial->accounted_us;
	dial->accounted_us = now_us;
	if (!dial->pg) {
		dial->phase = CONNECT_RESOLVE;
		return;
	}
	switch (PQstatus(dial->pg)) {
	case CONNECTION_BAD: /* it failed in the phase until now */
		break;
	case CONNECTION_NEEDED:
	case CONNECTION_STARTED:
		dial->phase = CONNECT_TCP;
		break;
	case CONNECTION_MADE:
	case CONNECTION_SSL_STARTUP:
		dial->phase = CONNECT_TLS;
		break;
	default:
		dial->phase = CONNECT_AUTH;
	}
}

/* Counts an answer that has come. It was waited for if bytes were sent since the last one; TCP's
 * own answer has none. */
static void
count_round_trip(struct dial *dial)
{
	int64_t sent = tcp_bytes_sent(PQsocket(dial->pg));

	if (dial->tcp_pending || sent > dial->bytes_sent)
		dial->cost.round_trips++;
	dial->tcp_pending = false;
	dial->bytes_sent = sent;
}

static bool
has_tls(const struct dial *dial)
{
	return PQsslInUse(dial->pg) && PQstatus(dial->pg) != CONNECTION_SSL_STARTUP
	       && PQstatus(dial->pg) != CONNECTION_BAD;
}

/* Lets libpq go on. OpenSSL reads until nothing is left. If the server is near, its answer may come
 * before anybody has to wait, and a handshake begins and ends in this call: one round trip. */
static void
poll_libpq(struct dial *dial)
{
	bool begun = PQsslInUse(dial->pg);

	dial->wants = PQconnectPoll(dial->pg);
	if (!dial->tls)
		dial->tls = tls_hold(dial->pg);
	if (!begun && has_tls(dial))
		dial->cost.round_trips++;
}

/* --- one address --- */

/* libpq's own receiver prints to standard error, which holds JSON lines only. */
static void
log_notice(void *unused, const PGresult *result)
{
	(void)unused;
	/* Only the primary message: detail and context may quote values. */
	log_printf(LOG_DEBUG, "notice", "%s", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

static void
close_connection(struct dial *dial)
{
	tls_release(dial->tls);
	dial->tls = NULL;
	PQfinish(dial->pg);
	dial->pg = NULL;
}

/* Asks OpenSSL. Only libpq's message is left if there is no TLS state to be asked: libpq could not
 * read the CAs, or the server is so near that the handshake began and failed in one call. */
static bool
is_refused(const struct dial *dial, const char *text)
{
	if (dial->phase != CONNECT_TLS)
		return false;
	return dial->tls ? tls_has_refused(dial->tls) : strstr(text, "certificate") != NULL;
}

static void
explain_failure(struct dial *dial, const char *text)
{
	struct sqlstate_meaning meaning;
	char code[6];

	sqlstate_in_text(text, code);
	meaning = sqlstate_of_connect(code, text);
	dial->refused = !*code && is_refused(dial, text);
	dial->retry = dial->refused ? RETRY_NEVER : meaning.retry;
	sqlstate_error(&dial->err, &meaning, code, text);
}

/* With hostaddr libpq does not resolve, but still uses the host's name for SNI and certificates. */
static bool
start_address(struct dial *dial, struct deadline deadline)
{
	size_t left = dial->host ? dial->addresses.count - dial->next_address : 1;

	dial->address_deadline = deadline_within_ms(deadline,
	                                            deadline_left_ms(deadline) / (int64_t)left);
	if (dial->host)
		keywords_set(&dial->keywords, "hostaddr",
		             dial->addresses.texts[dial->next_address]);
	dial->next_address++;
	dial->pg = PQconnectStartParams(dial->keywords.names, dial->keywords.values, 0);
	dial_account(dial);
	if (!dial->pg || PQstatus(dial->pg) == CONNECTION_BAD) {
		explain_failure(dial, dial->pg ? PQerrorMessage(dial->pg) : "out of memory");
		close_connection(dial);
		return false;
	}
	(void)PQsetErrorVerbosity(dial->pg, PQERRORS_VERBOSE);
	(void)PQsetNoticeReceiver(dial->pg, log_notice, NULL);
	dial->wants = PGRES_POLLING_WRITING;
	dial->timed_out = false;
	dial->tcp_pending = true;
	dial->bytes_sent = 0;
	return true;
}

static bool
may_try_next(const struct dial *dial)
{
	/* What the server itself said holds for all of its addresses. */
	return dial->host && !*dial->err.sqlstate && dial->next_address < dial->addresses.count;
}

static void
try_next_address(struct dial *dial, struct deadline deadline)
{
	while (!start_address(dial, deadline))
		if (!may_try_next(dial)) {
			dial->state = DIAL_FAILED;
			return;
		}
}

static void
fail_address(struct dial *dial, const char *text, struct deadline deadline)
{
	explain_failure(dial, text);
	close_connection(dial);
	if (may_try_next(dial)) {
		try_next_address(dial, deadline);
		return;
	}
	/* The addresses may have changed. */
	if (dial->host && !*dial->err.sqlstate)
		resolve_forget(dial->host);
	dial->state = DIAL_FAILED;
}

static void
set_connected(struct dial *dial, struct deadline deadline)
{
	if (PQsetnonblocking(dial->pg, 1) != 0 || !PQenterPipelineMode(dial->pg))
		fail_address(dial, PQerrorMessage(dial->pg), deadline);
	else
		dial->state = DIAL_DONE;
}

static struct deadline
step_deadline(const struct dial *dial, struct deadline deadline)
{
	struct deadline until = deadline.at_us < dial->address_deadline.at_us
	                            ? deadline
	                            : dial->address_deadline;
	int64_t tls_us = dial->accounted_us - dial->cost.phases_us[CONNECT_TLS] + dial->tls_max_us;

	if (dial->tls_max_us > 0 && dial->phase == CONNECT_TLS && tls_us < until.at_us)
		until.at_us = tls_us;
	return until;
}

static short
wanted_events(const struct dial *dial)
{
	return dial->wants == PGRES_POLLING_READING ? POLLIN : POLLOUT;
}

static void
step_connection(struct dial *dial, struct deadline deadline)
{
	short events = wanted_events(dial);
	bool ready;

	if (dial->tcp_only && PQstatus(dial->pg) == CONNECTION_MADE) {
		dial->state = DIAL_DONE;
		return;
	}
	ready = poll_until(PQsocket(dial->pg), events, DEADLINE_NOW) != POLL_TIMEOUT;

	/* Even when bytes come: they may come without end. */
	dial_account(dial);
	if (deadline_passed(step_deadline(dial, deadline))) {
		dial->timed_out = true;
		fail_address(dial, TIMED_OUT, deadline);
		return;
	}
	if (!ready)
		return;
	if (events == POLLIN || dial->tcp_pending)
		count_round_trip(dial);
	poll_libpq(dial);
	dial_account(dial);
	if (dial->wants == PGRES_POLLING_OK)
		set_connected(dial, deadline);
	else if (dial->wants == PGRES_POLLING_FAILED)
		fail_address(dial, PQerrorMessage(dial->pg), deadline);
}

/* --- steps --- */

static void
resolve_host(struct dial *dial, struct deadline deadline)
{
	const char *why;
	enum resolve_outcome outcome = resolve_start(dial->host, &dial->addresses, &why);

	dial_account(dial);
	if (outcome == RESOLVE_DONE) {
		try_next_address(dial, deadline);
	} else if (outcome == RESOLVE_FAILED || deadline_passed(deadline)) {
		error_fill(&dial->err, FAILURE_UNAVAILABLE, "The database is not available");
		error_fill_detail(&dial->err, "could not resolve \"%s\": %s", dial->host, why);
		dial->state = DIAL_FAILED;
	}
}

void
dial_start(struct dial *dial, const struct keywords *keywords, const char *host,
           struct deadline deadline)
{
	*dial = (struct dial){ .keywords = *keywords,
		               .host = host,
		               .retry = RETRY_SOON,
		               .accounted_us = clock_now_us() };
	if (host)
		resolve_host(dial, deadline);
	else
		try_next_address(dial, deadline);
}

void
dial_limit_tls(struct dial *dial, int64_t ms)
{
	dial->tls_max_us = ms * 1000;
}

void
dial_limit_to_tcp(struct dial *dial)
{
	dial->tcp_only = true;
}

void
dial_step(struct dial *dial, struct deadline deadline)
{
	assert(dial->state == DIAL_GOING);
	if (dial->pg)
		step_connection(dial, deadline);
	else
		resolve_host(dial, deadline);
}

static struct dial_need
name_need(struct deadline deadline)
{
	struct resolve_need need = resolve_need();
	int left_ms = deadline_left_ms(deadline);

	if (need.timeout_ms >= 0 && need.timeout_ms < left_ms)
		left_ms = need.timeout_ms;
	return (struct dial_need){ need.fd, POLLIN, left_ms };
}

struct dial_need
dial_need(const struct dial *dial, struct deadline deadline)
{
	if (!dial->pg)
		return name_need(deadline);
	return (struct dial_need){ PQsocket(dial->pg), wanted_events(dial),
		                   deadline_left_ms(step_deadline(dial, deadline)) };
}

enum wait_outcome
dial_wait(const struct dial *dial, struct deadline deadline, const int *client)
{
	struct dial_need need = dial_need(dial, deadline);

	return wait_fd_or_client(need.fd, need.events, deadline_in_ms(need.timeout_ms), client);
}

bool
dial_finish(struct dial *dial, struct deadline deadline, const int *client)
{
	while (dial->state == DIAL_GOING) {
		if (dial_wait(dial, deadline, client) == WAIT_ABANDONED) {
			dial_account(dial);
			return false;
		}
		dial_step(dial, deadline);
	}
	return true;
}

PGconn *
dial_take(struct dial *dial)
{
	PGconn *pg = dial->pg;

	assert(dial->state == DIAL_DONE);
	dial->pg = NULL;
	tls_release(dial->tls);
	dial->tls = NULL;
	return pg;
}

int
dial_take_socket(struct dial *dial)
{
	int fd = fcntl(PQsocket(dial->pg), F_DUPFD_CLOEXEC, 0);

	assert(dial->state == DIAL_DONE && dial->tcp_only);
	/* libpq closes its own descriptor; it sends a Terminate only after a login. */
	close_connection(dial);
	return fd;
}

void
dial_stop(struct dial *dial)
{
	if (dial->pg)
		close_connection(dial);
}
