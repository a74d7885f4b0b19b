#include "db/transaction.h"

#include <assert.h>

#include "base/mem.h"
#include "db/flight_error.h"
#include "db/session_settings.h"
#include "db/transaction_parts.h"

/* A rollback may keep a worker this long, whose request has failed already. */
#define ROLLBACK_MS 500

struct transaction *
transaction_new(void *owner, const struct transaction_options *options)
{
	struct transaction *tx = mem_new(owner, struct transaction);

	tx->owner = owner;
	tx->options = *options;
	tx->guard = options->guard;
	tx->session = (struct session){ .primary = options->connector,
		                        .replica = options->replica };
	return tx;
}

void
transaction_move(struct transaction *tx, enum transaction_event event)
{
	tx->state = transaction_state_after(tx->state, event);
	assert(tx->state != TX_STATE__MAX);
}

static void
notify_listener(const struct transaction *tx, struct transaction_note note)
{
	if (tx->options.listener)
		tx->options.listener(tx->options.listener_context, &note);
}

bool
transaction_explain(struct transaction *tx, const struct transaction_flight *flight,
                    struct error *err)
{
	const struct flight_error failure = {
		.flight = &flight->sent,
		.outcome = flight->outcome,
		.commits = flight->commits,
		.did_nothing = flight->obstacle == UNKNOWN_NAME
		               || flight->obstacle == OUTDATED_TYPES,
		.read_only = tx->options.mode == NP_TX_READ,
		.has_values = tx->has_values,
		.has_arguments = tx->options.has_arguments,
		.of_identity = flight->opens && tx->options.keeps_identity
		               && !flight->sent.results[flight->identity],
		.rerun_constraint = tx->guard ? tx->guard->constraint : NULL,
	};

	tx->retry = flight_error_explain(&failure, err);
	return false;
}

struct transaction_flight_context
transaction_context(struct transaction *tx)
{
	return (struct transaction_flight_context){ .options = &tx->options,
		                                    .guard = tx->guard,
		                                    .session = &tx->session,
		                                    .as_text = tx->outdated_sql != NULL };
}

static void
fly(struct transaction *tx, struct transaction_flight *flight)
{
	const struct transaction_flight_context context = transaction_context(tx);

	transaction_flight_fly(flight, &context, &tx->counts);
}

bool
transaction_connect(struct transaction *tx, struct error *err)
{
	int64_t start_us = clock_now_us(), before_us = tx->counts.connect.total_us;
	bool taken;

	if (tx->session.connection)
		return true;
	taken = session_take(&tx->session, tx->options.mode, tx->options.isolation,
	                     tx->options.deadline, tx->options.client, &tx->counts.connect, err);
	if (tx->counts.connect.total_us > before_us || !taken)
		notify_listener(
		    tx, (struct transaction_note){ .what = NOTE_CONNECT,
		                                   .start_us = start_us,
		                                   .cost = connector_cost(tx->session.source),
		                                   .err = taken ? NULL : err });
	if (taken)
		tx->counts.backend_pid = connection_backend_pid(tx->session.connection);
	return taken;
}

/* --- statements --- */

bool
transaction_may_run(const struct transaction *tx, const struct transaction_statement *statement,
                    struct error *err)
{
	if (tx->options.mode == NP_TX_NONE)
		return error_internal(err, "a query in a route of NP_TX_NONE");
	if (tx->state == TX_ENDED || tx->state == TX_STREAMING)
		return error_internal(err, "a query after np_answer(), np_query_last() or the"
		                           " statement of a stream");
	return statement->values.count <= FLIGHT_VALUES_MAX
	       || error_internal(err, "more than %d values in a query", FLIGHT_VALUES_MAX);
}

static bool
may_commit(const struct transaction *tx, struct error *err)
{
	return tx->options.mode == NP_TX_READ
	       || flight_error_may_commit(tx->options.client, tx->options.deadline, err);
}

/* Once, and only what the server cannot have done: see the top of transaction.h. */
static bool
may_try_again(const struct transaction *tx, const struct transaction_flight *flight)
{
	bool commit_sent = flight->commits && flight->sent.sent;

	if (!flight->opens || flight_error_is_misuse(&flight->sent))
		return false;
	if (flight->obstacle == UNKNOWN_LOGIN)
		return true;
	if (tx->counts.retries > 0)
		return false;
	return flight->obstacle == UNKNOWN_NAME || flight->obstacle == NOT_PRIMARY
	       || (flight->sent.broken && !commit_sent
	           && flight_error_may_pass(&flight->sent, flight->outcome));
}

/* From now on statements are sent as text. Returns true if the flight was the whole transaction so
 * far, so that it can be repeated on the same connection. Otherwise the handler runs again, or,
 * where it may not, the next request gets another connection. */
static bool
fall_back_to_text(struct transaction *tx, const struct transaction_flight *flight, const char *sql)
{
	if (flight->obstacle != OUTDATED_TYPES)
		return false;
	tx->outdated_sql = mem_strdup(tx->owner, sql);
	if (!flight->opens && (tx->options.mode == NP_TX_MANUAL || tx->options.no_rerun))
		session_spoil(&tx->session, SESSION_CLOSE);
	return flight->opens && !flight->sent.broken;
}

/* Returns true if the statement is to be sent once more. */
static bool
prepare_resend(struct transaction *tx, const struct transaction_flight *flight, const char *sql)
{
	if (flight->outcome == FLIGHT_DONE || flight->outcome == FLIGHT_ROW)
		return false;
	if (may_try_again(tx, flight)) {
		session_give_back(&tx->session);
		tx->counts.retries++;
	} else if (!fall_back_to_text(tx, flight, sql)) {
		return false;
	}
	transaction_move(tx, TX_ON_RESENT);
	return true;
}

struct np_rows *
transaction_take_rows(struct transaction *tx, struct transaction_flight *flight, const char *sql)
{
	struct connection *connection = tx->session.connection;

	if (flight->opens && connection->settings == SETTINGS_UNKNOWN)
		session_settings_learn(connection, flight->sent.results[flight->settings]);
	session_settings_note(connection, !session_is_in_transaction(&tx->session), sql,
	                      flight->sent.results[flight->statement]);
	if (tx->outdated_sql && strcmp(tx->outdated_sql, sql) == 0)
		session_spoil(&tx->session, SESSION_CLOSE);
	return rows_new(tx->owner, flight_take(&flight->sent, flight->statement));
}

/* `mode` is TYPES_AFTER_ROLLBACK if what is open belongs to a run that failed. Fails only if what
 * is open and of this run went with the connection. */
static bool
learn_types(struct transaction *tx, const struct np_rows *rows, enum types_mode mode,
            struct error *err)
{
	bool open = mode == TYPES_IN_TRANSACTION, broken = false;

	tx->counts.flights += rows_learn_types(rows, tx->session.connection->pg, mode,
	                                       tx->options.deadline, &broken);
	if (!broken)
		return true;
	session_spoil(&tx->session, SESSION_BROKEN);
	if (open)
		return transaction_explain(
		    tx, &(struct transaction_flight){ .outcome = FLIGHT_LATE }, err);
	session_give_back(&tx->session);
	return true;
}

static void
keep_found(struct transaction *tx, struct transaction_flight *flight)
{
	bool has_lookup = flight->opens && tx->guard && flight->sent.results[flight->lookup];

	tx->found = has_lookup ? rows_new(tx->owner, flight_take(&flight->sent, flight->lookup))
	                       : NULL;
}

static void
keep_identified(struct transaction *tx, struct transaction_flight *flight)
{
	if (flight->opens && tx->options.keeps_identity && !tx->identified
	    && flight->sent.results[flight->identity])
		tx->identified = rows_new(tx->owner, flight_take(&flight->sent, flight->identity));
}

bool
transaction_send(struct transaction *tx, const struct transaction_statement *statement,
                 enum statement_place place, struct transaction_flight *flight, struct error *err)
{
	bool last = place != STATEMENT_BETWEEN;

	*flight = (struct transaction_flight){ .start_us = 0 };
	for (;;) {
		struct transaction_flight_context context;

		if (!transaction_connect(tx, err) || (last && !may_commit(tx, err)))
			return false;
		context = transaction_context(tx);
		transaction_flight_compose(flight, &context, statement, tx->state != TX_OPEN, last);
		if (place == STATEMENT_STREAMED)
			flight_stream(&flight->sent, flight->statement);
		fly(tx, flight);
		if (!prepare_resend(tx, flight, statement->sql))
			break;
		flight_end(&flight->sent);
	}
	keep_identified(tx, flight);
	if (flight->outcome == FLIGHT_DONE || flight->outcome == FLIGHT_ROW)
		return true;
	(void)transaction_explain(tx, flight, err);
	keep_found(tx, flight);
	return false;
}

/* *start_us is when the last flight began, or 0 if none did. */
static bool
send_statement(struct transaction *tx, const struct transaction_statement *statement, bool last,
               int64_t *start_us, struct np_rows **rows, struct error *err)
{
	struct transaction_flight flight;
	bool done = transaction_send(tx, statement, last ? STATEMENT_LAST : STATEMENT_BETWEEN,
	                             &flight, err);

	*start_us = flight.start_us;
	if (done)
		*rows = transaction_take_rows(tx, &flight, statement->sql);
	flight_end(&flight.sent);
	return done
	       && learn_types(tx, *rows,
	                      session_is_in_transaction(&tx->session) ? TYPES_IN_TRANSACTION
	                                                              : TYPES_ALONE,
	                      err);
}

static bool
send_commit(struct transaction *tx, const struct transaction_statement *with, struct error *err)
{
	const struct transaction_flight_context context = transaction_context(tx);
	struct transaction_flight flight;
	bool committed = false;

	transaction_flight_compose_commit(&flight, &context, with);
	fly(tx, &flight);
	if (flight.outcome == FLIGHT_DONE) {
		/* A transaction that failed before answers with success, and the tag ROLLBACK. */
		committed = strcmp(PQcmdStatus(flight.sent.results[flight.statement]), "COMMIT")
		                == 0
		            || error_internal(err, "a commit after a statement that failed");
	} else {
		(void)fall_back_to_text(tx, &flight, with ? with->sql : "COMMIT");
		(void)transaction_explain(tx, &flight, err);
	}
	flight_end(&flight.sent);
	notify_listener(tx, (struct transaction_note){ .what = NOTE_COMMIT,
	                                               .start_us = flight.start_us,
	                                               .err = committed ? NULL : err });
	tx->committed = tx->committed || committed;
	if (committed)
		session_settings_commit(tx->session.connection);
	return committed;
}

void
transaction_record(struct transaction *tx, const struct statement *statement, int64_t start_us,
                   int64_t rows, const struct error *err)
{
	tx->counts.queries++;
	statement_log(&tx->options, statement, err);
	/* Where nothing was sent, there was no connection. */
	if (tx->options.listener && statement->us > 0)
		notify_listener(tx, (struct transaction_note){ .what = NOTE_QUERY,
		                                               .start_us = start_us,
		                                               .sql = statement->sql,
		                                               .name = statement->name,
		                                               .rows = rows,
		                                               .err = statement->ok ? NULL : err });
	tx->counts.rows += rows;
	if (statement->us <= tx->slowest.us || !statement_wants_plan(&tx->options, statement))
		return;
	tx->slowest = *statement;
	tx->slowest.sql = mem_strdup(tx->owner, statement->sql);
}

static bool
run_and_record(struct transaction *tx, const struct transaction_statement *sent, bool last,
               struct np_rows **rows, struct error *err)
{
	struct statement record = { sent->sql, sent->name, sent->values.count,
		                    -tx->counts.flights_us, false };
	int64_t start_us = 0;

	record.ok = send_statement(tx, sent, last, &start_us, rows, err);
	record.us += tx->counts.flights_us;
	transaction_record(tx, &record, start_us, record.ok ? (int64_t)np_rows_count(*rows) : 0,
	                   err);
	return record.ok;
}

bool
transaction_finish_last(struct transaction *tx, struct error *err)
{
	if (session_is_in_transaction(&tx->session)) {
		transaction_move(tx, TX_ON_OPENED);
		if (!may_commit(tx, err) || !send_commit(tx, NULL, err))
			return false;
	}
	tx->committed = true;
	transaction_move(tx, TX_ON_ENDED);
	return true;
}

void
transaction_note_values(struct transaction *tx, const struct transaction_statement *statement)
{
	tx->has_values = statement->values.count > 0 || (tx->has_values && tx->state == TX_OPEN);
}

static bool
run_statement(struct transaction *tx, const struct transaction_statement *statement, bool last,
              struct np_rows **rows, struct error *err)
{
	if (!transaction_may_run(tx, statement, err))
		return false;
	transaction_note_values(tx, statement);
	if (!run_and_record(tx, statement, last, rows, err))
		return false;
	if (last)
		return transaction_finish_last(tx, err);
	transaction_move(tx,
	                 session_is_in_transaction(&tx->session) ? TX_ON_OPENED : TX_ON_COMMITTED);
	return true;
}

bool
transaction_fail(struct transaction *tx, struct error *err)
{
	if (tx->state != TX_FAILED)
		transaction_move(tx, TX_ON_FAILED);
	*err = tx->failure;
	return false;
}

bool
transaction_run(struct transaction *tx, const struct transaction_statement *statement, bool last,
                struct np_rows **rows, struct error *err)
{
	struct np_rows *made = NULL;
	bool ok = tx->state != TX_FAILED && run_statement(tx, statement, last, &made, &tx->failure);

	if (!ok)
		return transaction_fail(tx, err);
	*rows = made;
	return true;
}

bool
transaction_query(struct transaction *tx, const char *sql, struct values values,
                  struct np_rows **rows, struct error *err)
{
	return transaction_run(tx, &(struct transaction_statement){ .sql = sql, .values = values },
	                       false, rows, err);
}

/* --- its end --- */

bool
transaction_commit(struct transaction *tx, const struct transaction_statement *with,
                   struct error *err)
{
	if (tx->state == TX_FAILED)
		return transaction_fail(tx, err);
	if (tx->state != TX_OPEN)
		return true;
	if (!may_commit(tx, &tx->failure) || !send_commit(tx, with, &tx->failure))
		return transaction_fail(tx, err);
	transaction_move(tx, TX_ON_COMMITTED);
	return true;
}

void
transaction_drop_guard(struct transaction *tx)
{
	tx->guard = NULL;
}

const struct np_rows *
transaction_found(const struct transaction *tx)
{
	return tx->found;
}

const struct np_rows *
transaction_identified(const struct transaction *tx)
{
	return tx->identified;
}

bool
transaction_learn_types(struct transaction *tx, const struct np_rows *rows, struct error *err)
{
	enum types_mode mode = tx->state == TX_OPEN                      ? TYPES_IN_TRANSACTION
	                       : session_is_in_transaction(&tx->session) ? TYPES_AFTER_ROLLBACK
	                                                                 : TYPES_ALONE;

	if (!rows_have_unknown_types(rows))
		return true;
	return transaction_connect(tx, err) && learn_types(tx, rows, mode, err);
}

bool
transaction_is_open(const struct transaction *tx)
{
	return tx->state == TX_OPEN;
}

const struct error *
transaction_failure(const struct transaction *tx)
{
	return tx->state == TX_FAILED ? &tx->failure : NULL;
}

bool
transaction_is_ended(const struct transaction *tx)
{
	return tx->state == TX_ENDED;
}

bool
transaction_is_streaming(const struct transaction *tx)
{
	return tx->state == TX_STREAMING;
}

bool
transaction_has_failed(const struct transaction *tx)
{
	return tx->state == TX_FAILED;
}

bool
transaction_may_rerun(const struct transaction *tx)
{
	return tx->state == TX_FAILED && tx->retry == RETRY_RERUN
	       && (tx->options.mode == NP_TX_READ || tx->options.mode == NP_TX_WRITE);
}

void
transaction_restart(struct transaction *tx)
{
	transaction_drop_stream(tx);
	if (tx->session.fitness == SESSION_BROKEN)
		session_give_back(&tx->session);
	tx->retry = RETRY_NEVER;
	tx->guard = tx->options.guard;
	tx->counts.reruns++;
	transaction_move(tx, TX_ON_RESTARTED);
}

static void
roll_back(struct transaction *tx, struct deadline deadline)
{
	const struct transaction_flight_context context = transaction_context(tx);
	struct transaction_flight flight = { .opens = false };

	transaction_drop_stream(tx);
	if (session_is_in_transaction(&tx->session)) {
		flight_begin(&flight.sent, tx->session.connection->pg, NULL);
		flight.statement = flight_command(&flight.sent, "ROLLBACK");
		transaction_flight_fly_until(&flight, &context, deadline, &tx->counts);
		flight_end(&flight.sent);
	}
	transaction_move(tx, TX_ON_ROLLED_BACK);
}

void
transaction_rollback(struct transaction *tx)
{
	roll_back(tx, deadline_within_ms(tx->options.deadline, ROLLBACK_MS));
	if (tx->session.fitness == SESSION_BROKEN)
		session_give_back(&tx->session);
}

void
transaction_close(struct transaction *tx)
{
	/* The request may have no time left; this is after its reply. */
	roll_back(tx, deadline_in_ms(ROLLBACK_MS));
	if (tx->slowest.sql && tx->session.connection && tx->session.fitness != SESSION_BROKEN
	    && tx->options.may_explain()
	    && !statement_explain(&tx->options, tx->session.connection->pg, &tx->slowest))
		session_spoil(&tx->session, SESSION_BROKEN);
	session_give_back(&tx->session);
}

void
transaction_avoid_replica(struct transaction *tx)
{
	tx->session.replica = NULL;
}

enum transaction_outcome
transaction_outcome(const struct transaction *tx)
{
	if (tx->options.mode == NP_TX_READ || tx->counts.flights == 0)
		return TX_OUTCOME_NONE;
	if (tx->state == TX_FAILED && tx->failure.kind == FAILURE_AMBIGUOUS)
		return TX_OUTCOME_UNKNOWN;
	return tx->committed ? TX_OUTCOME_COMMITTED : TX_OUTCOME_ROLLED_BACK;
}

struct transaction_counts
transaction_counts(const struct transaction *tx)
{
	struct transaction_counts counts = tx->counts;

	counts.on_replica = session_is_on_replica(&tx->session);
	return counts;
}

struct connector *
transaction_source(const struct transaction *tx)
{
	return tx->session.source;
}

const struct connection *
transaction_connection(const struct transaction *tx)
{
	return tx->session.connection;
}
