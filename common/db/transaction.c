#include "db/transaction.h"

#include "base/mem.h"
#include "db/flight.h"
#include "db/flight_error.h"
#include "db/preamble.h"
#include "db/session_settings.h"
#include "db/sqlstate.h"
#include "db/statement.h"

/* How long a rollback may keep a worker whose request has failed already. */
#define ROLLBACK_MS 500

struct transaction {
	void *owner;
	struct transaction_options options;
	struct claim *claim; /* that of the options, until it is dropped */
	struct transaction_counts counts;
	struct connection *connection;
	struct connector *source; /* whose it is, or was */
	bool open;                /* a BEGIN was sent, and no end of it */
	bool stale;               /* what is open is of a run that failed: ROLLBACK comes first */
	bool valued;              /* a statement of what is open, or the last one, got values */
	bool broken;              /* the connection must not be used again */
	bool failed;              /* nothing of it may be committed any more, because of: */
	bool committed;           /* some of it was */
	struct error first;       /* what failed first; later errors only follow from it */
	enum sqlstate_retry retry;
	enum { NOT_LAST, LAST_IS_NEXT, LAST_IS_DONE } last;
	const struct np_rows
	    *kept;        /* what the statements return, without being run; NULL: they are run */
	size_t given;     /* so many were */
	int64_t flew_us;  /* when the last flight began */
	bool unsure;      /* a commit of it was sent, and its outcome not seen */
	bool replayed;    /* what it claimed was done before */
	const char *name; /* of the next statement; NULL: none */
	struct statement slowest; /* the read whose plan is wanted; sql is NULL: none */
	const char *doubted; /* this statement was outdated, so all are sent as text; NULL: none */
	bool worn;           /* outdated statements or large buffers: the connection is not kept */
};

/* A flight of a transaction. */
struct trip {
	struct flight flight;
	bool opens;   /* nothing was open before it */
	bool commits; /* with its end, something may be committed */
	/* Nothing was done, and on a new connection it may be: */
	bool forgotten; /* the server does not have a statement's name, or one of our settings */
	bool moved;     /* it is no primary any more */
	bool unknown;   /* it is a standby, which may lag, and knows no session of the caller */
	bool outdated;  /* maybe refused only because its parameters had other types when it was
	                   prepared */
	size_t head, statement; /* their places in the flight; without `opens` there is no head */
	enum flight_outcome outcome;
};

struct transaction *
transaction_new(void *owner, const struct transaction_options *options)
{
	struct transaction *tx = mem_new(owner, struct transaction);

	tx->owner = owner;
	tx->options = *options;
	tx->claim = options->claim;
	/* A claim tells the next try what became of this one. */
	tx->options.client = options->claim ? NULL : options->client;
	return tx;
}

static void
tell(const struct transaction *tx, struct transaction_note note)
{
	if (tx->options.listener)
		tx->options.listener(tx->options.listener_context, &note);
}

/* Returns false. */
static bool
trip_failed(struct transaction *tx, const struct trip *trip, struct error *err)
{
	const struct flight_error mishap = { .flight = &trip->flight,
		                             .outcome = trip->outcome,
		                             .commits = trip->commits,
		                             .forgotten = trip->forgotten || trip->outdated,
		                             .reads = tx->options.mode == NP_TX_READ,
		                             .valued = tx->valued,
		                             .asked = tx->options.asked,
		                             .claimed = tx->claim != NULL };

	tx->retry = flight_error_explain(&mishap, err);
	tx->unsure = tx->unsure || err->kind == NP_AMBIGUOUS;
	return false;
}

/* --- flights --- */

static struct preamble
preamble_of(const struct transaction *tx)
{
	return (struct preamble){
		.checks_client = tx->connection->checks_client,
		.deadline = tx->options.deadline,
		.command_timeout_s = tx->options.command_timeout_s,
		.read_only = tx->options.mode == NP_TX_READ,
		.isolation = tx->options.isolation,
		.endpoint = tx->options.endpoint,
		.id = tx->options.trace_id ? tx->options.trace_id : tx->options.request_id,
	};
}

static struct deadline
flight_deadline(const struct transaction *tx, const struct trip *trip)
{
	const struct preamble head = preamble_of(tx);

	return preamble_flight_deadline(&head, trip->commits);
}

static void
fly(struct transaction *tx, struct trip *trip, struct deadline deadline)
{
	tx->flew_us = clock_now_us();
	trip->outcome = flight_fly(&trip->flight, deadline);
	trip->forgotten = (trip->flight.named
	                   && prepared_is_lost(tx->connection->prepared, trip->flight.error))
	                  || session_settings_are_refused(tx->source, trip->flight.error);
	trip->outdated = trip->outcome == FLIGHT_REFUSED && flight_was_rejected(&trip->flight)
	                 && prepared_may_be_outdated(&trip->flight, trip->statement);
	trip->moved = tx->options.mode != NP_TX_READ && flight_error_is_read_only(&trip->flight);
	if (trip->moved)
		connector_forget_address(tx->source);
	trip->unknown = tx->source != tx->options.connector
	                && flight_error_is_ended_session(&trip->flight);
	tx->broken = trip->flight.broken || trip->forgotten || trip->moved;
	tx->worn = tx->worn || trip->flight.large;
	/* After a failure only the server knows: a COMMIT that was skipped leaves it open, one that
	 * failed does not. */
	if (!tx->broken)
		tx->open = PQtransactionStatus(trip->flight.pg) != PQTRANS_IDLE;
	if (trip->unknown) {
		tx->options.replica = NULL;
		tx->broken = tx->broken || tx->open;
	}
	tx->counts.flights++;
	tx->counts.flights_us += clock_now_us() - tx->flew_us;
}

static void
give_back(struct transaction *tx)
{
	if (!tx->connection)
		return;
	connector_release(tx->source, tx->connection, !tx->broken && !tx->worn);
	tx->connection = NULL;
	tx->broken = tx->worn = tx->open = tx->stale = false;
}

static bool
take_from_replica(struct transaction *tx)
{
	struct replica *replica = tx->options.replica;

	if (!replica || !replica_serves(replica, tx->options.mode, tx->options.isolation))
		return false;
	tx->counts.on_replica = replica_acquire(replica, tx->options.deadline, tx->options.client,
	                                        &tx->connection);
	connect_cost_add(&tx->counts.connect, connector_cost(replica->connector));
	if (tx->counts.on_replica)
		tx->source = replica->connector;
	return tx->counts.on_replica;
}

static bool
take_from_primary(struct transaction *tx, struct error *err)
{
	bool taken;

	tx->counts.on_replica = false;
	tx->source = tx->options.connector;
	taken = connector_acquire(tx->source, tx->options.deadline, tx->options.client,
	                          &tx->connection, err);
	connect_cost_add(&tx->counts.connect, connector_cost(tx->source));
	return taken;
}

static bool
take_connection(struct transaction *tx, struct error *err)
{
	int64_t start_us = clock_now_us(), before_us = tx->counts.connect.total_us;
	bool taken;

	if (tx->connection)
		return true;
	taken = take_from_replica(tx) || take_from_primary(tx, err);
	if (tx->counts.connect.total_us > before_us || !taken)
		tell(tx, (struct transaction_note){ .what = NOTE_CONNECT,
		                                    .start_us = start_us,
		                                    .cost = connector_cost(tx->source),
		                                    .err = taken ? NULL : err });
	if (taken)
		tx->counts.backend_pid = connection_backend_pid(tx->connection);
	return taken;
}

static void
add_opening(struct transaction *tx, struct trip *trip, bool implicit)
{
	struct preamble head = preamble_of(tx);

	if (!trip->opens) {
		preamble_renew(&head, &trip->flight);
		return;
	}
	head.session = session_settings_need(tx->connection);
	head.implicit = implicit;
	if (!implicit)
		preamble_begin(&head, &trip->flight);
	trip->head = preamble_settings(&head, &trip->flight);
	if (tx->options.identity)
		(void)flight_add(&trip->flight, tx->options.identity->sql,
		                 tx->options.identity->values);
	if (tx->claim)
		(void)flight_add(&trip->flight, tx->claim->sql, tx->claim->values);
}

static void
compose(struct transaction *tx, struct trip *trip, const char *sql, struct np_values values)
{
	bool last = tx->last == LAST_IS_NEXT, reads = tx->options.mode == NP_TX_READ, implicit;

	*trip = (struct trip){ .opens = !tx->open || tx->stale };
	trip->commits = last && !reads && !(trip->opens && connection_is_unproven(tx->connection));
	implicit = trip->opens && tx->options.isolation == NP_READ_COMMITTED
	           && (reads || trip->commits);
	flight_begin(&trip->flight, tx->connection->pg,
	             tx->doubted ? NULL : tx->connection->prepared);
	trip->flight.client = trip->commits ? NULL : tx->options.client;
	if (tx->stale)
		(void)flight_command(&trip->flight, "ROLLBACK");
	tx->stale = false;
	add_opening(tx, trip, implicit);
	trip->statement = flight_add(&trip->flight, sql, values);
	if (!implicit && (trip->commits || (reads && last)))
		(void)flight_command(&trip->flight, "COMMIT");
}

/* --- queries and the commit --- */

static bool
may_query(const struct transaction *tx, struct np_values values, struct error *err)
{
	if (tx->options.mode == NP_TX_NONE)
		return error_internal(err, "a query in a route of NP_TX_NONE");
	if (tx->last == LAST_IS_DONE)
		return error_internal(err, "a query after the one that np_last() marked");
	return values.count <= FLIGHT_VALUES_MAX
	       || error_internal(err, "more than 64 values in a query");
}

static bool
may_commit(const struct transaction *tx, struct error *err)
{
	return tx->options.mode == NP_TX_READ
	       || flight_error_may_commit(tx->options.client, tx->options.deadline, err);
}

/* Once, and only what cannot have been done already: see the top of transaction.h. */
static bool
may_try_again(const struct transaction *tx, const struct trip *trip)
{
	bool sent = trip->commits && trip->flight.sent;

	if (!trip->opens || (tx->counts.retries > 0 && !trip->unknown)
	    || flight_error_is_misuse(&trip->flight))
		return false;
	return trip->unknown || trip->forgotten || trip->moved
	       || (tx->broken && !sent && flight_error_may_pass(&trip->flight, trip->outcome));
}

/* The same as text, on the same connection, where that is the whole transaction so far; else the
 * handler runs again, or, where it may not, the next request has another connection. */
static bool
try_as_text(struct transaction *tx, const struct trip *trip, const char *sql)
{
	if (!trip->outdated)
		return false;
	tx->doubted = mem_strdup(tx->owner, sql);
	if (trip->opens)
		tx->stale = tx->open;
	else if (tx->options.mode == NP_TX_MANUAL || tx->options.no_rerun)
		tx->worn = true;
	return trip->opens;
}

/* The slowest of several is the one whose plan is asked for, when the reply has left. */
static void
note(struct transaction *tx, const struct statement *statement, struct np_rows *const *rows,
     const struct error *err)
{
	char name[STATEMENT_NAME_BYTES];

	statement_log(&tx->options, statement, err);
	/* Where nothing was sent, there was no connection. */
	if (tx->options.listener && statement->us > 0)
		tell(tx, (struct transaction_note){
		             .what = NOTE_QUERY,
		             .start_us = tx->flew_us,
		             .sql = statement->sql,
		             .name = statement_name(statement, name),
		             .rows = statement->good ? (int64_t)np_rows_count(*rows) : 0,
		             .err = statement->good ? NULL : err });
	if (statement->us <= tx->slowest.us || !statement_wants_plan(&tx->options, statement))
		return;
	tx->slowest = *statement;
	tx->slowest.sql = mem_strdup(tx->owner, statement->sql);
}

static struct np_rows *
take_rows(struct transaction *tx, struct trip *trip, const char *sql)
{
	if (trip->opens && tx->connection->settings == SETTINGS_UNKNOWN)
		session_settings_learn(tx->connection, trip->flight.results[trip->head]);
	session_settings_note(tx->connection, !tx->open, sql,
	                      trip->flight.results[trip->statement]);
	tx->worn = tx->worn || (tx->doubted && strcmp(tx->doubted, sql) == 0);
	return rows_new(tx->owner, flight_take(&trip->flight, trip->statement));
}

/* With the connection goes what is open on it. */
static bool
learn_types(struct transaction *tx, const struct np_rows *rows, struct error *err)
{
	tx->counts.flights += rows_learn_types(rows, tx->connection->pg, tx->open,
	                                       tx->options.deadline, &tx->broken);
	if (tx->broken && tx->open)
		return trip_failed(tx, &(struct trip){ .outcome = FLIGHT_LATE }, err);
	if (tx->broken)
		give_back(tx);
	return true;
}

static bool
run(struct transaction *tx, const char *sql, struct np_values values, struct np_rows **rows,
    struct error *err)
{
	struct trip trip;

	for (;;) {
		if (!take_connection(tx, err) || (tx->last == LAST_IS_NEXT && !may_commit(tx, err)))
			return false;
		compose(tx, &trip, sql, values);
		fly(tx, &trip, flight_deadline(tx, &trip));
		if (trip.outcome == FLIGHT_DONE)
			break;
		if (may_try_again(tx, &trip)) {
			give_back(tx);
			tx->counts.retries++;
		} else if (!try_as_text(tx, &trip, sql)) {
			break;
		}
		flight_end(&trip.flight);
	}
	if (trip.outcome == FLIGHT_DONE)
		*rows = take_rows(tx, &trip, sql);
	else
		(void)trip_failed(tx, &trip, err);
	flight_end(&trip.flight);
	return trip.outcome == FLIGHT_DONE && learn_types(tx, *rows, err);
}

static bool
send_commit(struct transaction *tx, const struct transaction_statement *with, struct error *err)
{
	struct trip trip = { .commits = tx->options.mode != NP_TX_READ };
	bool committed = false;

	flight_begin(&trip.flight, tx->connection->pg,
	             tx->doubted ? NULL : tx->connection->prepared);
	if (with)
		(void)flight_add(&trip.flight, with->sql, with->values);
	trip.statement = flight_command(&trip.flight, "COMMIT");
	fly(tx, &trip, flight_deadline(tx, &trip));
	if (trip.outcome == FLIGHT_DONE) {
		/* One that failed before answers with success, and the tag ROLLBACK. */
		committed = strcmp(PQcmdStatus(trip.flight.results[trip.statement]), "COMMIT") == 0
		            || error_internal(err, "a commit after a statement that failed");
	} else {
		(void)try_as_text(tx, &trip, with ? with->sql : "COMMIT");
		(void)trip_failed(tx, &trip, err);
	}
	flight_end(&trip.flight);
	tell(tx, (struct transaction_note){
	             .what = NOTE_COMMIT, .start_us = tx->flew_us, .err = committed ? NULL : err });
	tx->committed = tx->committed || committed;
	if (committed)
		session_settings_commit(tx->connection);
	return committed;
}

static bool
query(struct transaction *tx, const char *sql, struct np_values values, struct np_rows **rows,
      struct error *err)
{
	struct statement statement = { sql, tx->name, values.count, -tx->counts.flights_us, false };
	const char *sent = sql;

	if (!may_query(tx, values, err))
		return false;
	tx->valued = values.count > 0 || (tx->valued && tx->open);
	if (tx->last == LAST_IS_NEXT && tx->claim
	    && !claim_wrap(tx->claim, tx->owner, &sent, &values))
		tx->last = NOT_LAST;
	statement.good = run(tx, sent, values, rows, err);
	statement.us += tx->counts.flights_us;
	note(tx, &statement, rows, err);
	tx->counts.queries++;
	if (!statement.good)
		return false;
	tx->counts.rows += (int64_t)np_rows_count(*rows);
	if (tx->last != LAST_IS_NEXT) {
		if (tx->claim)
			claim_note(tx->claim, *rows);
		return true;
	}
	tx->last = LAST_IS_DONE;
	tx->committed = !tx->open;
	return !tx->open || (may_commit(tx, err) && send_commit(tx, NULL, err));
}

/* Asks only for its columns: those that it returned then, unless the program or the schema has
 * changed since. */
static bool
query_again(struct transaction *tx, const char *sql, struct np_rows **rows, struct error *err)
{
	struct trip trip = { .opens = false };
	bool good = false;

	if (!take_connection(tx, err))
		return false;
	flight_begin(&trip.flight, tx->connection->pg, NULL);
	trip.statement = flight_describe(&trip.flight, sql);
	fly(tx, &trip, flight_deadline(tx, &trip));
	if (trip.outcome == FLIGHT_DONE) {
		*rows = rows_replay(tx->owner, trip.flight.results[trip.statement], tx->kept,
		                    ++tx->given);
		good = *rows || error_internal(err, "what was kept does not fit the statement");
	} else {
		(void)trip_failed(tx, &trip, err);
	}
	flight_end(&trip.flight);
	return good && learn_types(tx, *rows, err);
}

bool
transaction_query(struct transaction *tx, const char *sql, struct np_values values,
                  struct np_rows **rows, struct error *err)
{
	struct np_rows *made = NULL;

	if (!tx->failed
	    && !(tx->kept ? query_again(tx, sql, &made, &tx->first)
	                  : query(tx, sql, values, &made, &tx->first)))
		tx->failed = true;
	tx->name = NULL;
	if (tx->failed) {
		*err = tx->first;
		return false;
	}
	*rows = made;
	return true;
}

void
transaction_name(struct transaction *tx, const char *name)
{
	tx->name = name;
}

void
transaction_mark_last(struct transaction *tx)
{
	if (tx->last == NOT_LAST && !tx->kept)
		tx->last = LAST_IS_NEXT;
}

/* --- its end --- */

bool
transaction_commit(struct transaction *tx, const struct transaction_statement *with,
                   struct error *err)
{
	if (!tx->failed && tx->open
	    && !(may_commit(tx, &tx->first) && send_commit(tx, with, &tx->first)))
		tx->failed = true;
	if (tx->failed)
		*err = tx->first;
	return !tx->failed;
}

void
transaction_drop_claim(struct transaction *tx, bool done)
{
	tx->claim = NULL;
	tx->replayed = done;
}

void
transaction_replay(struct transaction *tx, const struct np_rows *kept)
{
	tx->kept = kept;
	tx->given = 0;
}

bool
transaction_is_done(const struct transaction *tx)
{
	return tx->last == LAST_IS_DONE;
}

bool
transaction_has_failed(const struct transaction *tx)
{
	return tx->failed;
}

bool
transaction_may_rerun(const struct transaction *tx)
{
	return tx->failed && tx->retry == RETRY_RERUN
	       && (tx->options.mode == NP_TX_READ || tx->options.mode == NP_TX_WRITE);
}

void
transaction_restart(struct transaction *tx)
{
	if (tx->broken)
		give_back(tx);
	tx->stale = tx->open;
	tx->failed = false;
	tx->retry = RETRY_NEVER;
	tx->last = NOT_LAST;
	tx->kept = NULL;
	tx->replayed = false;
	tx->claim = tx->options.claim;
	if (tx->claim)
		claim_reset(tx->claim);
	tx->counts.reruns++;
}

static void
roll_back(struct transaction *tx, struct deadline deadline)
{
	struct trip trip = { .opens = false };

	if (tx->open && !tx->broken) {
		flight_begin(&trip.flight, tx->connection->pg, NULL);
		trip.statement = flight_command(&trip.flight, "ROLLBACK");
		fly(tx, &trip, deadline);
		flight_end(&trip.flight);
	}
	tx->open = tx->stale = tx->failed = false;
}

void
transaction_rollback(struct transaction *tx)
{
	roll_back(tx, deadline_within_ms(tx->options.deadline, ROLLBACK_MS));
	/* One that is broken now, or was: what comes next begins on another. */
	if (tx->broken)
		give_back(tx);
}

void
transaction_close(struct transaction *tx)
{
	/* The request may have no time left; this is after its reply. */
	roll_back(tx, deadline_in_ms(ROLLBACK_MS));
	if (tx->slowest.sql && tx->connection && !tx->broken && tx->options.may_explain())
		tx->broken = !statement_explain(&tx->options, tx->connection->pg, &tx->slowest);
	give_back(tx);
}

void
transaction_avoid_replica(struct transaction *tx)
{
	tx->options.replica = NULL;
}

enum transaction_outcome
transaction_outcome(const struct transaction *tx)
{
	if (tx->options.mode == NP_TX_READ || tx->counts.flights == 0)
		return OUTCOME_NONE;
	/* What was done before may be its own work, of which it had not heard. */
	if (tx->replayed && !tx->failed)
		return tx->unsure ? OUTCOME_COMMITTED : OUTCOME_REPLAYED;
	if (tx->failed && tx->first.kind == NP_AMBIGUOUS)
		return OUTCOME_UNKNOWN;
	return tx->committed ? OUTCOME_COMMITTED : OUTCOME_ROLLED_BACK;
}

struct transaction_counts
transaction_counts(const struct transaction *tx)
{
	return tx->counts;
}

struct connector *
transaction_source(const struct transaction *tx)
{
	return tx->source;
}

const struct connection *
transaction_connection(const struct transaction *tx)
{
	return tx->connection;
}
