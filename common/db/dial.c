#include "db/dial.h"

#include <assert.h>

#include "base/log.h"
#include "base/poll.h"
#include "base/text.h"
#include "db/tcp.h"
#include "db/tls.h"

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

/* --- what it costs --- */

/* What has passed belongs to the phase that was, and another may begin. */
void
dial_account(struct dial *dial)
{
	int64_t now_us = clock_now_us();

	dial->cost.phases_us[dial->phase] += now_us - dial->since_us;
	dial->cost.total_us += now_us - dial->since_us;
	dial->since_us = now_us;
	if (!dial->pg) {
		dial->phase = CONNECT_RESOLVE;
		return;
	}
	switch (PQstatus(dial->pg)) {
	case CONNECTION_BAD: /* in the phase that was */
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

/* An answer has come. It was waited for when something had been sent since the last one; TCP's own
 * has no bytes. */
static void
count_trip(struct dial *dial)
{
	int64_t sent = tcp_bytes_sent(PQsocket(dial->pg));

	if (dial->fresh || sent > dial->sent)
		dial->cost.round_trips++;
	dial->fresh = false;
	dial->sent = sent;
}

static bool
has_tls(const struct dial *dial)
{
	return PQsslInUse(dial->pg) && PQstatus(dial->pg) != CONNECTION_SSL_STARTUP
	       && PQstatus(dial->pg) != CONNECTION_BAD;
}

/* libpq goes on, and says what it wants next. OpenSSL reads on while there is something: where the
 * server is near, its answer may be there before anybody has to wait for it, and the handshake
 * begins and ends in here. It was a trip. */
static void
go_on(struct dial *dial)
{
	bool begun = PQsslInUse(dial->pg);

	dial->wants = PQconnectPoll(dial->pg);
	if (!dial->tls)
		dial->tls = tls_hold(dial->pg);
	if (!begun && has_tls(dial))
		dial->cost.round_trips++;
}

/* --- one address --- */

/* Without one libpq prints to standard error, which holds JSON lines only. */
static void
log_notice(void *unused, const PGresult *result)
{
	(void)unused;
	/* Not the whole message: its detail and context may quote values. */
	log_printf(LOG_DEBUG, "notice", "%s", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

static void
hang_up(struct dial *dial)
{
	PQfinish(dial->pg);
	dial->pg = NULL;
	tls_release(dial->tls);
	dial->tls = NULL;
}

/* OpenSSL knows. But libpq's words have to do where it has no TLS state to be asked: it could not
 * read the CAs, or the server is so near that the handshake began and failed in one call. */
static bool
is_refused(const struct dial *dial, const char *text)
{
	if (dial->phase != CONNECT_TLS)
		return false;
	return dial->tls ? tls_has_refused(dial->tls) : strstr(text, "certificate") != NULL;
}

static void
explain(struct dial *dial, const char *text)
{
	struct sqlstate_meaning meaning;
	char code[6];

	sqlstate_in_text(text, code);
	meaning = sqlstate_of_connect(code, text);
	dial->refused = !*code && is_refused(dial, text);
	dial->retry = dial->refused ? RETRY_NEVER : meaning.retry;
	sqlstate_error(&dial->err, &meaning, code, text);
}

/* With hostaddr libpq resolves nothing, and still takes the host's name for SNI and certificates.
 */
static bool
dial_address(struct dial *dial, struct deadline deadline)
{
	size_t left = dial->host ? dial->addresses.count - dial->next : 1;

	dial->until = deadline_within_ms(deadline, deadline_left_ms(deadline) / (int64_t)left);
	if (dial->host)
		keywords_set(&dial->keywords, "hostaddr", dial->addresses.texts[dial->next]);
	dial->next++;
	dial->pg = PQconnectStartParams(dial->keywords.names, dial->keywords.values, 0);
	dial_account(dial);
	if (!dial->pg || PQstatus(dial->pg) == CONNECTION_BAD) {
		explain(dial, dial->pg ? PQerrorMessage(dial->pg) : "out of memory");
		hang_up(dial);
		return false;
	}
	(void)PQsetErrorVerbosity(dial->pg, PQERRORS_VERBOSE);
	(void)PQsetNoticeReceiver(dial->pg, log_notice, NULL);
	dial->wants = PGRES_POLLING_WRITING;
	dial->fresh = true;
	dial->sent = 0;
	return true;
}

static bool
may_go_on(const struct dial *dial)
{
	/* What the server itself said, all of its addresses would say. */
	return dial->host && !*dial->err.sqlstate && dial->next < dial->addresses.count;
}

static void
next_address(struct dial *dial, struct deadline deadline)
{
	while (!dial_address(dial, deadline))
		if (!may_go_on(dial)) {
			dial->state = DIAL_FAILED;
			return;
		}
}

static void
address_failed(struct dial *dial, const char *text, struct deadline deadline)
{
	explain(dial, text);
	hang_up(dial);
	if (may_go_on(dial)) {
		next_address(dial, deadline);
		return;
	}
	/* They may have moved. */
	if (dial->host && !*dial->err.sqlstate)
		resolve_forget(dial->host);
	dial->state = DIAL_FAILED;
}

static void
connected(struct dial *dial, struct deadline deadline)
{
	if (PQsetnonblocking(dial->pg, 1) != 0 || !PQenterPipelineMode(dial->pg))
		address_failed(dial, PQerrorMessage(dial->pg), deadline);
	else
		dial->state = DIAL_DONE;
}

static struct deadline
until_of(const struct dial *dial, struct deadline deadline)
{
	struct deadline until = deadline.at_us < dial->until.at_us ? deadline : dial->until;
	int64_t tls_us = dial->since_us - dial->cost.phases_us[CONNECT_TLS] + dial->tls_max_us;

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
shake_hands(struct dial *dial, struct deadline deadline)
{
	short events = wanted_events(dial);
	bool ready = poll_until(PQsocket(dial->pg), events, DEADLINE_NOW) != POLL_TIMEOUT;

	/* Also when something comes: it may come without end. */
	dial_account(dial);
	if (deadline_passed(until_of(dial, deadline))) {
		address_failed(dial, DIAL_LATE, deadline);
		return;
	}
	if (!ready)
		return;
	if (events == POLLIN || dial->fresh)
		count_trip(dial);
	go_on(dial);
	dial_account(dial);
	if (dial->wants == PGRES_POLLING_OK)
		connected(dial, deadline);
	else if (dial->wants == PGRES_POLLING_FAILED)
		address_failed(dial, PQerrorMessage(dial->pg), deadline);
}

/* --- all of it --- */

static void
find_addresses(struct dial *dial, struct deadline deadline)
{
	const char *why;
	enum resolve_outcome outcome = resolve_start(dial->host, &dial->addresses, &why);

	dial_account(dial);
	if (outcome == RESOLVE_DONE) {
		next_address(dial, deadline);
	} else if (outcome == RESOLVE_FAILED || deadline_passed(deadline)) {
		error_fill(&dial->err, NP_UNAVAILABLE, "The database is not available");
		error_fill_detail(&dial->err, "could not resolve \"%s\": %s", dial->host, why);
		dial->state = DIAL_FAILED;
	}
}

void
dial_start(struct dial *dial, const struct keywords *keywords, const char *host,
           struct deadline deadline)
{
	*dial = (struct dial){
		.keywords = *keywords, .host = host, .retry = RETRY_SOON, .since_us = clock_now_us()
	};
	if (host)
		find_addresses(dial, deadline);
	else
		next_address(dial, deadline);
}

void
dial_limit_tls(struct dial *dial, int64_t ms)
{
	dial->tls_max_us = ms * 1000;
}

void
dial_step(struct dial *dial, struct deadline deadline)
{
	assert(dial->state == DIAL_GOING);
	if (dial->pg)
		shake_hands(dial, deadline);
	else
		find_addresses(dial, deadline);
}

static struct dial_need
need_of_name(struct deadline deadline)
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
		return need_of_name(deadline);
	return (struct dial_need){ PQsocket(dial->pg), wanted_events(dial),
		                   deadline_left_ms(until_of(dial, deadline)) };
}

enum wait_outcome
dial_wait(const struct dial *dial, struct deadline deadline, const int *client)
{
	struct dial_need need = dial_need(dial, deadline);

	return wait_fd_or_client(need.fd, need.events, deadline_in_ms(need.timeout_ms), client);
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

void
dial_stop(struct dial *dial)
{
	if (dial->pg)
		hang_up(dial);
}
