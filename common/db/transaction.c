#include "db/transaction.h"

#include <assert.h>

#include "base/mem.h"
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

bool
transaction_commit(struct transaction *tx, const struct transaction_statement *with,
                   struct error *err)
{
	if (tx->state == TX_FAILED)
		return transaction_fail(tx, err);
	if (tx->state != TX_OPEN)
		return true;
	if (!transaction_may_commit(tx, &tx->failure)
	    || !transaction_send_commit(tx, with, &tx->failure))
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
		flight.places[0] = flight_command(&flight.sent, "ROLLBACK");
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
