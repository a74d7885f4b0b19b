#include "db/transaction_parts.h"

#include <assert.h>

#include "base/mem.h"
#include "db/flight_error.h"
#include "db/session_settings.h"

void
transaction_move(struct transaction *tx, enum transaction_event event)
{
	tx->state = transaction_state_after(tx->state, event);
	assert(tx->state != TX_STATE__MAX);
}

void
transaction_notify(const struct transaction *tx, struct transaction_note note)
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
		.of_identity = flight->opens && tx->options.keeps_identity && flight->sent.error
		               && flight->sent.error_at <= flight->identity,
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

void
transaction_fly(struct transaction *tx, struct transaction_flight *flight)
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
		transaction_notify(
		    tx, (struct transaction_note){ .what = NOTE_CONNECT,
		                                   .start_us = start_us,
		                                   .cost = connector_cost(tx->session.source),
		                                   .err = taken ? NULL : err });
	if (taken)
		tx->counts.backend_pid = connection_backend_pid(tx->session.connection);
	return taken;
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
transaction_may_commit(const struct transaction *tx, struct error *err)
{
	return tx->options.mode == NP_TX_READ
	       || flight_error_may_commit(tx->options.client, tx->options.deadline, err);
}

bool
transaction_fall_back_to_text(struct transaction *tx, const struct transaction_flight *flight,
                              const char *sql)
{
	if (flight->obstacle != OUTDATED_TYPES)
		return false;
	tx->outdated_sql = mem_strdup(tx->owner, sql);
	if (!flight->opens && (tx->options.mode == NP_TX_MANUAL || tx->options.no_rerun))
		session_spoil(&tx->session, SESSION_CLOSE);
	return flight->opens && !flight->sent.broken;
}

bool
transaction_send_commit(struct transaction *tx, const struct transaction_statement *with,
                        struct error *err)
{
	const struct transaction_flight_context context = transaction_context(tx);
	struct transaction_flight flight;
	bool committed = false;

	transaction_flight_compose_commit(&flight, &context, with);
	transaction_fly(tx, &flight);
	if (flight.outcome == FLIGHT_DONE) {
		/* A transaction that failed before answers with success, and the tag ROLLBACK. */
		committed = strcmp(PQcmdStatus(flight.sent.results[flight.places[0]]), "COMMIT")
		                == 0
		            || error_internal(err, "a commit after a statement that failed");
	} else {
		(void)transaction_fall_back_to_text(tx, &flight, with ? with->sql : "COMMIT");
		(void)transaction_explain(tx, &flight, err);
	}
	flight_end(&flight.sent);
	transaction_notify(tx, (struct transaction_note){ .what = NOTE_COMMIT,
	                                                  .start_us = flight.start_us,
	                                                  .err = committed ? NULL : err });
	tx->committed = tx->committed || committed;
	if (committed)
		session_settings_commit(tx->session.connection);
	return committed;
}

bool
transaction_finish_last(struct transaction *tx, struct error *err)
{
	if (session_is_in_transaction(&tx->session)) {
		transaction_move(tx, TX_ON_OPENED);
		if (!transaction_may_commit(tx, err) || !transaction_send_commit(tx, NULL, err))
			return false;
	}
	tx->committed = true;
	transaction_move(tx, TX_ON_ENDED);
	return true;
}
