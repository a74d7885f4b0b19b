#include "db/transaction_flight.h"

#include "db/flight_error.h"
#include "db/preamble.h"
#include "db/session_settings.h"

static bool
only_reads(const struct transaction_flight_context *context)
{
	return context->options->mode == NP_TX_READ;
}

static struct preamble
preamble_of(const struct transaction_flight_context *context)
{
	const struct transaction_options *options = context->options;

	return (struct preamble){
		.checks_client = context->session->connection->checks_client,
		.deadline = options->deadline,
		.command_timeout_s = options->command_timeout_s,
		.read_only = only_reads(context),
		.isolation = options->isolation,
		.endpoint = options->endpoint,
		.id = options->trace_id ? options->trace_id : options->request_id,
	};
}

static void
begin_flight(struct transaction_flight *flight, const struct transaction_flight_context *context)
{
	struct connection *connection = context->session->connection;

	flight_begin(&flight->sent, connection->pg, context->as_text ? NULL : connection->prepared);
}

/* --- what it sends --- */

static void
add_opening(struct transaction_flight *flight, const struct transaction_flight_context *context,
            bool implicit)
{
	const struct transaction_statement *identity = context->options->identity;
	struct preamble preamble = preamble_of(context);
	struct flight *sent = &flight->sent;

	if (session_is_in_transaction(context->session))
		(void)flight_command(sent, "ROLLBACK");
	preamble.session = session_settings_need(context->session->connection);
	preamble.implicit = implicit;
	if (!implicit)
		preamble_begin(&preamble, sent);
	flight->settings = preamble_settings(&preamble, sent);
	if (identity)
		flight->identity = flight_add(sent, identity->sql, identity->values);
	if (!context->guard)
		return;
	flight->lookup = flight_add(sent, context->guard->lookup.sql,
	                            context->guard->lookup.values);
	(void)flight_add(sent, context->guard->claim.sql, context->guard->claim.values);
}

static void
add_work(struct transaction_flight *flight, const struct transaction_work *work)
{
	struct flight *sent = &flight->sent;

	if (flight->has_savepoint)
		(void)flight_command(sent, "SAVEPOINT np_try");
	flight->statements = work->count;
	for (size_t i = 0; i < work->count; i++)
		flight->places[i] = flight_add(sent, work->statements[i].sql,
		                               work->statements[i].values);
	if (flight->has_savepoint)
		(void)flight_command(sent, "RELEASE SAVEPOINT np_try");
	if (work->streams)
		flight_stream(sent, flight->places[0]);
}

void
transaction_flight_compose(struct transaction_flight *flight,
                           const struct transaction_flight_context *context,
                           const struct transaction_work *work, bool opens)
{
	const struct connection *connection = context->session->connection;
	bool reads = only_reads(context), implicit;
	struct preamble preamble;

	*flight = (struct transaction_flight){ .opens = opens };
	flight->commits = work->last && !reads && !(opens && connection_is_unproven(connection));
	implicit = opens && context->options->isolation == NP_ISOLATION_READ_COMMITTED
	           && (reads || flight->commits);
	begin_flight(flight, context);
	flight->sent.client = flight->commits ? NULL : context->options->client;
	if (opens) {
		add_opening(flight, context, implicit);
	} else {
		preamble = preamble_of(context);
		preamble_renew(&preamble, &flight->sent);
	}
	flight->has_savepoint = work->savepoint && !implicit;
	add_work(flight, work);
	if (!implicit && (flight->commits || (reads && work->last)))
		(void)flight_command(&flight->sent, "COMMIT");
}

void
transaction_flight_compose_undo(struct transaction_flight *flight,
                                const struct transaction_flight_context *context)
{
	*flight = (struct transaction_flight){ .opens = false };
	begin_flight(flight, context);
	flight->sent.client = context->options->client;
	flight->places[0] = flight_command(&flight->sent, "ROLLBACK TO SAVEPOINT np_try");
	(void)flight_command(&flight->sent, "RELEASE SAVEPOINT np_try");
}

void
transaction_flight_compose_commit(struct transaction_flight *flight,
                                  const struct transaction_flight_context *context,
                                  const struct transaction_statement *with)
{
	*flight = (struct transaction_flight){ .commits = !only_reads(context) };
	begin_flight(flight, context);
	if (with)
		(void)flight_add(&flight->sent, with->sql, with->values);
	flight->places[0] = flight_command(&flight->sent, "COMMIT");
}

/* --- what it showed --- */

size_t
transaction_flight_failed(const struct transaction_flight *flight)
{
	for (size_t i = 0; i < flight->statements; i++)
		if (!flight->sent.results[flight->places[i]])
			return i;
	return 0;
}

static enum flight_obstacle
find_obstacle(const struct transaction_flight *flight,
              const struct transaction_flight_context *context)
{
	const struct session *session = context->session;
	const struct flight *sent = &flight->sent;

	if ((sent->named && prepared_is_lost(session->connection->prepared, sent->error))
	    || session_settings_are_refused(session->source, sent->error))
		return UNKNOWN_NAME;
	if (!only_reads(context) && flight_error_is_read_only(sent))
		return NOT_PRIMARY;
	if (session_is_on_replica(session) && flight_error_is_unknown_caller(sent))
		return UNKNOWN_LOGIN;
	if (flight->outcome == FLIGHT_REFUSED && flight_was_rejected(sent)
	    && flight_ran_prepared(sent, flight->places[transaction_flight_failed(flight)])
	    && prepared_may_be_outdated(sent->error))
		return OUTDATED_TYPES;
	return NO_OBSTACLE;
}

static void
judge_connection(const struct transaction_flight *flight, struct session *session)
{
	if (flight->sent.broken || flight->obstacle == UNKNOWN_NAME
	    || flight->obstacle == NOT_PRIMARY)
		session_spoil(session, SESSION_BROKEN);
	else if (flight->sent.large)
		session_spoil(session, SESSION_CLOSE);
	if (flight->obstacle == NOT_PRIMARY)
		connector_forget_address(session->source);
	if (flight->obstacle == UNKNOWN_LOGIN) {
		session->replica = NULL;
		if (session_is_in_transaction(session))
			session_spoil(session, SESSION_BROKEN);
	}
}

void
transaction_flight_next(struct transaction_flight *flight,
                        const struct transaction_flight_context *context,
                        struct transaction_counts *counts)
{
	int64_t start_us = clock_now_us();

	flight->outcome = flight_next(&flight->sent);
	judge_connection(flight, context->session);
	counts->flights_us += clock_now_us() - start_us;
}

void
transaction_flight_fly_until(struct transaction_flight *flight,
                             const struct transaction_flight_context *context,
                             struct deadline deadline, struct transaction_counts *counts)
{
	flight->start_us = clock_now_us();
	flight->outcome = flight_fly(&flight->sent, deadline);
	flight->obstacle = find_obstacle(flight, context);
	judge_connection(flight, context->session);
	counts->flights++;
	counts->flights_us += clock_now_us() - flight->start_us;
}

void
transaction_flight_fly(struct transaction_flight *flight,
                       const struct transaction_flight_context *context,
                       struct transaction_counts *counts)
{
	const struct preamble preamble = preamble_of(context);

	transaction_flight_fly_until(
	    flight, context,
	    preamble_flight_deadline(&preamble, flight->statements, flight->commits), counts);
}
