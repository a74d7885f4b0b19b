/* transaction_statements.c - the statements of a transaction: one or several in a flight */
#include "base/mem.h"
#include "db/flight_error.h"
#include "db/session_settings.h"
#include "db/transaction_parts.h"

/* --- sending --- */

bool
transaction_may_run(const struct transaction *tx, const struct transaction_work *work,
                    struct error *err)
{
	if (tx->options.mode == NP_TX_NONE)
		return error_internal(err, "a query in a route of NP_TX_NONE");
	if (tx->state == TX_ENDED || tx->state == TX_STREAMING)
		return error_internal(err, "a query after np_answer(), np_query_last() or the"
		                           " statement of a stream");
	for (size_t i = 0; i < work->count; i++)
		if (work->statements[i].values.count > FLIGHT_VALUES_MAX)
			return error_internal(err, "more than %d values in a query",
			                      FLIGHT_VALUES_MAX);
	return true;
}

void
transaction_note_values(struct transaction *tx, const struct transaction_work *work)
{
	tx->has_values = tx->has_values && tx->state == TX_OPEN;
	for (size_t i = 0; i < work->count; i++)
		tx->has_values = tx->has_values || work->statements[i].values.count > 0;
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

static bool
is_done(const struct transaction_flight *flight)
{
	return flight->outcome == FLIGHT_DONE || flight->outcome == FLIGHT_ROW;
}

/* Returns true if the flight is to be sent once more. */
static bool
prepare_resend(struct transaction *tx, const struct transaction_flight *flight,
               const struct transaction_work *work)
{
	const char *failed;

	if (is_done(flight))
		return false;
	failed = work->statements[transaction_flight_failed(flight)].sql;
	if (may_try_again(tx, flight)) {
		session_give_back(&tx->session);
		tx->counts.retries++;
	} else if (!transaction_fall_back_to_text(tx, flight, failed)) {
		return false;
	}
	transaction_move(tx, TX_ON_RESENT);
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
transaction_send(struct transaction *tx, const struct transaction_work *work,
                 struct transaction_flight *flight, struct error *err)
{
	*flight = (struct transaction_flight){ .start_us = 0 };
	for (;;) {
		struct transaction_flight_context context;

		if (!transaction_connect(tx, err)
		    || (work->last && !transaction_may_commit(tx, err)))
			return false;
		context = transaction_context(tx);
		transaction_flight_compose(flight, &context, work, tx->state != TX_OPEN);
		transaction_fly(tx, flight);
		if (!prepare_resend(tx, flight, work))
			break;
		flight_end(&flight->sent);
	}
	keep_identified(tx, flight);
	if (is_done(flight))
		return true;
	(void)transaction_explain(tx, flight, err);
	keep_found(tx, flight);
	return false;
}

/* --- what came back --- */

static void
learn_settings(struct transaction *tx, const struct transaction_flight *flight)
{
	struct connection *connection = tx->session.connection;

	if (flight->opens && connection->settings == SETTINGS_UNKNOWN)
		session_settings_learn(connection, flight->sent.results[flight->settings]);
}

struct np_rows *
transaction_take_rows(struct transaction *tx, struct transaction_flight *flight, size_t statement,
                      const char *sql)
{
	size_t place = flight->places[statement];

	learn_settings(tx, flight);
	session_settings_note(tx->session.connection, !session_is_in_transaction(&tx->session), sql,
	                      flight->sent.results[place]);
	if (tx->outdated_sql && strcmp(tx->outdated_sql, sql) == 0)
		session_spoil(&tx->session, SESSION_CLOSE);
	return rows_new(tx->owner, flight_take(&flight->sent, place));
}

/* `mode` is TYPES_AFTER_ROLLBACK if what is open belongs to a run that failed. Fails only if what
 * is open and of this run went with the connection. */
static bool
learn_types(struct transaction *tx, const struct np_rows *rows, enum types_mode mode,
            struct error *err)
{
	const struct types_question question = rows_learn_types(rows, tx->session.connection->pg,
	                                                        mode, tx->options.deadline);
	bool open = mode == TYPES_IN_TRANSACTION;

	tx->counts.flights += question.flights;
	if (!question.broken)
		return true;
	session_spoil(&tx->session, SESSION_BROKEN);
	if (open)
		return transaction_explain(
		    tx, &(struct transaction_flight){ .outcome = FLIGHT_LATE }, err);
	session_give_back(&tx->session);
	return true;
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

static bool
take_all_rows(struct transaction *tx, struct transaction_flight *flight,
              const struct transaction_work *work, struct np_rows **rows, struct error *err)
{
	enum types_mode mode = session_is_in_transaction(&tx->session) ? TYPES_IN_TRANSACTION
	                                                               : TYPES_ALONE;

	for (size_t i = 0; i < work->count; i++)
		rows[i] = transaction_take_rows(tx, flight, i, work->statements[i].sql);
	for (size_t i = 0; i < work->count; i++) {
		/* What broke the connection was given back; other types are asked for later. */
		if (tx->session.connection && !learn_types(tx, rows[i], mode, err))
			return false;
	}
	return true;
}

/* --- the record --- */

void
transaction_record(struct transaction *tx, const struct statement *statement, int64_t start_us,
                   int64_t rows, const struct error *err)
{
	tx->counts.queries++;
	statement_log(&tx->options, statement, err);
	/* Where nothing was sent, there was no connection. */
	if (tx->options.listener && statement->us > 0)
		transaction_notify(tx,
		                   (struct transaction_note){ .what = NOTE_QUERY,
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

/* Statements that share a flight share its time. `failed` is the index of the one that did, if not
 * `ok`: those after it were not run. */
static void
record_all(struct transaction *tx, const struct transaction_work *work, bool ok, size_t failed,
           int64_t start_us, int64_t us, struct np_rows *const *rows, const struct error *err)
{
	for (size_t i = 0; i < work->count && (ok || i <= failed); i++) {
		const struct transaction_statement *sent = &work->statements[i];
		const struct statement record = { sent->sql, sent->name, sent->values.count, us,
			                          ok || i<failed, work->count> 1 };

		transaction_record(tx, &record, start_us, ok ? (int64_t)np_rows_count(rows[i]) : 0,
		                   err);
	}
}

/* --- running --- */

static bool
send_and_record(struct transaction *tx, const struct transaction_work *work,
                struct transaction_flight *flight, struct np_rows **rows, struct error *err)
{
	int64_t before_us = tx->counts.flights_us;
	bool ok = transaction_send(tx, work, flight, err);
	size_t failed = ok ? 0 : transaction_flight_failed(flight);

	ok = ok && take_all_rows(tx, flight, work, rows, err);
	record_all(tx, work, ok, failed, flight->start_us, tx->counts.flights_us - before_us, rows,
	           err);
	return ok;
}

static void
move_on(struct transaction *tx)
{
	transaction_move(tx,
	                 session_is_in_transaction(&tx->session) ? TX_ON_OPENED : TX_ON_COMMITTED);
}

static bool
run_work(struct transaction *tx, const struct transaction_work *work, struct np_rows **rows,
         struct error *err)
{
	struct transaction_flight flight;
	bool ok;

	if (!transaction_may_run(tx, work, err))
		return false;
	transaction_note_values(tx, work);
	ok = send_and_record(tx, work, &flight, rows, err);
	flight_end(&flight.sent);
	if (!ok)
		return false;
	if (work->last)
		return transaction_finish_last(tx, err);
	move_on(tx);
	return true;
}

static bool
run_or_fail(struct transaction *tx, const struct transaction_work *work, struct np_rows **rows,
            struct error *err)
{
	if (tx->state != TX_FAILED && run_work(tx, work, rows, &tx->failure))
		return true;
	for (size_t i = 0; i < work->count; i++)
		rows[i] = NULL;
	return transaction_fail(tx, err);
}

bool
transaction_run(struct transaction *tx, const struct transaction_statement *statement, bool last,
                struct np_rows **rows, struct error *err)
{
	const struct transaction_work work = { .statements = statement, .count = 1, .last = last };

	return run_or_fail(tx, &work, rows, err);
}

bool
transaction_run_all(struct transaction *tx, const struct transaction_statement *statements,
                    size_t count, struct np_rows **rows, struct error *err)
{
	const struct transaction_work work = { .statements = statements, .count = count };

	return run_or_fail(tx, &work, rows, err);
}

bool
transaction_query(struct transaction *tx, const char *sql, struct values values,
                  struct np_rows **rows, struct error *err)
{
	return transaction_run(tx, &(struct transaction_statement){ .sql = sql, .values = values },
	                       false, rows, err);
}

/* --- one that may be refused --- */

/* Returns true if the error is that of the statement, or of preparing it. */
static bool
is_own_error(const struct transaction_flight *flight)
{
	const struct flight *sent = &flight->sent;
	size_t place = flight->places[0];

	return flight->outcome == FLIGHT_REFUSED && !sent->broken && flight_was_rejected(sent)
	       && !flight_error_is_misuse(sent)
	       && (sent->error_at == place
	           || (sent->error_at + 1 == place && sent->prepares[sent->error_at]));
}

/* Returns true if the server refused the statement for a reason that lies in it and in its values:
 * then `refusal` says why. Unlike an ordinary failure, it need not be a value of the request. */
static bool
is_refusal(const struct transaction *tx, const struct transaction_flight *flight,
           const struct error *err, struct error *refusal)
{
	struct sqlstate_meaning meaning;

	if (!is_own_error(flight) || flight->obstacle != NO_OBSTACLE || tx->retry != RETRY_NEVER)
		return false;
	meaning = sqlstate_of_statement(err->sqlstate, flight_is_of_server(flight->sent.error));
	if (meaning.kind == FAILURE_INTERNAL || meaning.kind == FAILURE_UNAVAILABLE
	    || meaning.kind == FAILURE_TIMEOUT)
		return false;
	*refusal = *err;
	refusal->kind = meaning.kind;
	if (!meaning.is_raised)
		(void)snprintf(refusal->message, sizeof(refusal->message), "%s", meaning.message);
	return true;
}

/* Undoes the statement, so that the transaction goes on. */
static bool
undo_refused(struct transaction *tx, const struct transaction_flight *flight, struct error *err)
{
	const struct transaction_flight_context context = transaction_context(tx);
	struct transaction_flight undo;
	bool ok = true;

	learn_settings(tx, flight);
	tx->found = NULL;
	if (!flight->has_savepoint)
		return true;
	transaction_flight_compose_undo(&undo, &context);
	transaction_fly(tx, &undo);
	if (undo.outcome != FLIGHT_DONE)
		ok = transaction_explain(tx, &undo, err);
	flight_end(&undo.sent);
	return ok;
}

/* Returns true if its parameters may have had other types when it was prepared: it is undone, to be
 * sent once more. From now on statements are sent as text. */
static bool
undo_outdated(struct transaction *tx, const struct transaction_flight *flight, struct error *err)
{
	if (!is_own_error(flight) || flight->obstacle != OUTDATED_TYPES || !flight->has_savepoint
	    || !undo_refused(tx, flight, err))
		return false;
	tx->retry = RETRY_NEVER;
	move_on(tx);
	return true;
}

static bool
try_work(struct transaction *tx, const struct transaction_work *work, struct np_rows **rows,
         struct error *refusal, struct error *err)
{
	struct transaction_flight flight;
	bool ok, again = false;

	if (!transaction_may_run(tx, work, err))
		return false;
	transaction_note_values(tx, work);
	do {
		ok = send_and_record(tx, work, &flight, rows, err);
		again = !ok && !again && undo_outdated(tx, &flight, err);
		if (!ok && !again && is_refusal(tx, &flight, err, refusal)) {
			*rows = NULL;
			ok = undo_refused(tx, &flight, err);
		}
		flight_end(&flight.sent);
	} while (again);
	if (ok)
		move_on(tx);
	return ok;
}

bool
transaction_try(struct transaction *tx, const struct transaction_statement *statement,
                struct np_rows **rows, struct error *refusal, struct error *err)
{
	const struct transaction_work work = { .statements = statement,
		                               .count = 1,
		                               .savepoint = true };

	*refusal = (struct error){ .kind = 0 };
	if (tx->state != TX_FAILED && try_work(tx, &work, rows, refusal, &tx->failure))
		return true;
	*rows = NULL;
	return transaction_fail(tx, err);
}
