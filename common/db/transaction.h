/* transaction.h - the transactions of one request: connect late, commit once, always give back
 *
 * The first query takes a connection. What a transaction needs travels in the flights of its
 * statements (flight.h), so that it adds no round trip:
 *
 * read:   Each query is one flight and a transaction of its own.
 * write:  The statement that is marked as the last carries the commit. If it is the only one, the
 *         flight is an implicit transaction. Without a mark the commit is one flight more.
 * manual: As a write without a mark.
 *
 * When the client hangs up, a read ends at once, and so does a write whose commit was not sent: the
 * connection is closed, also one that is still being opened, and the server stops because of
 * client_connection_check_interval. A commit that was sent is waited for.
 *
 * Every flight is bounded by the request's deadline and by the command timeout. The server is told
 * both, so that it stops when nobody waits any longer. A flight is sent a second time, once, on a
 * fresh connection, if the server cannot have done it: it never got there, it only reads, or it is
 * the first of a write and carries no commit.
 *
 * transaction_state.h has the states and what moves between them.
 */
#ifndef NULLPOOL_DB_TRANSACTION_H
#define NULLPOOL_DB_TRANSACTION_H

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "db/connect.h"
#include "db/rows.h"
#include "db/session.h"
#include "db/values.h"

/* Its texts and values are borrowed. */
struct transaction_statement {
	const char *sql;
	struct values values;
	const char *name; /* for the log; NULL: none */
};

/* What a caller adds to each run of a write, such as a key under which the work is done once. */
struct transaction_guard {
	/* Both travel before the first statement. If `claim` fails, nothing of the run is done, and
	 * transaction_found() has what `lookup` returned in the same flight. */
	struct transaction_statement lookup, claim;
	/* A violation of this constraint means that another transaction did the work first, and
	 * that `claim` will see it in a new run. NULL: none. */
	const char *constraint;
};

/* A step that took time, reported when it is over. Texts are borrowed for the call. */
struct transaction_note {
	enum { NOTE_CONNECT, NOTE_QUERY, NOTE_COMMIT } what;
	int64_t start_us;                /* of clock_now_us() */
	const char *sql;                 /* of NOTE_QUERY */
	const char *name;                /* of its constant; NULL: none */
	int64_t rows;                    /* of NOTE_QUERY */
	const struct connect_cost *cost; /* of NOTE_CONNECT */
	const struct error *err;         /* NULL: it succeeded */
};
typedef void transaction_listener(void *context, const struct transaction_note *note);

struct transaction_options {
	struct connector *connector;
	struct replica *replica; /* for reads that a standby can serve; NULL: none */
	enum np_tx mode;
	enum np_isolation isolation;
	struct deadline deadline; /* of the request */
	int64_t command_timeout_s;
	/* The descriptor of the client, borrowed; NULL: the work goes on without the client. */
	const int *client;
	bool no_rerun;      /* the handler is not run again */
	bool has_arguments; /* the request named a parameter: a bad value may be the client's */
	/* Travels with the settings of each transaction. NULL: none. */
	const struct transaction_statement *identity;
	bool keeps_identity;                   /* for transaction_identified() */
	const struct transaction_guard *guard; /* NULL: none */
	int64_t slow_query_ms; /* a statement that takes this long is logged; 0: none is */
	/* Returns true if a slow read may be explained now, and takes that turn. NULL: never. */
	bool (*may_explain)(void);
	const char *endpoint; /* with the ID: application_name in pg_stat_activity */
	const char *request_id;
	const char *trace_id;           /* in place of request_id there; NULL: there is none */
	transaction_listener *listener; /* NULL: none */
	void *listener_context;
};

/* What it cost, for the log line. */
struct transaction_counts {
	int queries;
	int flights; /* round trips, without those of connecting */
	int64_t flights_us;
	int64_t rows;
	int retries;                 /* flights sent again on a fresh connection */
	int reruns;                  /* of the handler */
	struct connect_cost connect; /* round_trips is 0: none was opened */
	int backend_pid;             /* 0: none was used, or a pooler made it up */
	bool on_replica;
};

struct transaction;

/* Borrows what the options point to. */
RETURNS_OWNED struct transaction *transaction_new(void *owner,
                                                  const struct transaction_options *options);

/* Runs one statement; `last` marks it as the transaction's last, so that the commit travels with
 * it. The rows belong to the transaction's owner. After a failure each further statement
 * and the commit fail with the same error, until transaction_rollback() or transaction_restart(). A
 * statement that carries the commit fails as transaction_commit() does. */
NP_MUST_CHECK bool transaction_run(struct transaction *tx,
                                   const struct transaction_statement *statement, bool last,
                                   struct np_rows **rows, struct error *err);

/* Runs up to TRANSACTION_STATEMENTS_MAX statements in one flight, none of which is marked. rows[i]
 * are those of statements[i]. If one fails, those after it are not run. */
#define TRANSACTION_STATEMENTS_MAX 8
NP_MUST_CHECK bool transaction_run_all(struct transaction *tx,
                                       const struct transaction_statement *statements, size_t count,
                                       struct np_rows **rows, struct error *err);

/* Runs an unmarked statement. If the server refuses it, for a reason that is neither ours nor
 * another transaction's, what it did is undone in one more flight and the transaction goes on:
 * *rows is NULL and `refusal` says why. refusal->kind is 0 if it was not refused. */
NP_MUST_CHECK bool transaction_try(struct transaction *tx,
                                   const struct transaction_statement *statement,
                                   struct np_rows **rows, struct error *refusal, struct error *err);

/* Runs the last statement of a read, whose rows are not collected: transaction_next() returns them.
 * Errors are those of transaction_run(). */
NP_MUST_CHECK bool transaction_stream(struct transaction *tx,
                                      const struct transaction_statement *statement,
                                      struct error *err);

/* While transaction_is_streaming(): waits for the next row, which is valid until the next call.
 * After the last one *row is a result without rows, and the transaction has ended well. False: the
 * rows before it may not be used as if they were all. */
NP_MUST_CHECK bool transaction_next(struct transaction *tx, const struct np_rows **row,
                                    struct error *err);

/* An unmarked statement that has no name. */
NP_MUST_CHECK bool transaction_query(struct transaction *tx, const char *sql, struct values values,
                                     struct np_rows **rows, struct error *err);

/* Commits what is open, with the statement `with` in the same flight (NULL: none). Returns true if
 * the server confirmed the commit or nothing was open. Fails with FAILURE_AMBIGUOUS if the
 * connection or the time ended after the commit was sent: it may have happened. Fails with
 * FAILURE_TIMEOUT if too little time was left to send it. */
NP_MUST_CHECK bool transaction_commit(struct transaction *tx,
                                      const struct transaction_statement *with, struct error *err);

/* The next flight opens without the guard, until transaction_restart(). */
void transaction_drop_guard(struct transaction *tx);

/* Returns the rows of the guard's lookup in the flight that failed last, or NULL. */
const struct np_rows *transaction_found(const struct transaction *tx);

/* Returns the rows of the identity's statement, also if what came after it failed; NULL: it was not
 * sent yet, it failed, or it is not kept. */
const struct np_rows *transaction_identified(const struct transaction *tx);

/* See types_learn(); for rows that did not come from transaction_run(). Rolls back what a run that
 * failed has left open. */
NP_MUST_CHECK bool transaction_learn_types(struct transaction *tx, const struct np_rows *rows,
                                           struct error *err);

/* Returns true if a statement of this run has left it open. */
bool transaction_is_open(const struct transaction *tx);

/* Returns the failure because of which nothing of it can be committed, or NULL. */
const struct error *transaction_failure(const struct transaction *tx);

/* Leaves a stream whose rows have not all come, and with it the connection; without one it does
 * nothing. */
void transaction_drop_stream(struct transaction *tx);

/* Returns true if a statement's rows are still coming. */
bool transaction_is_streaming(const struct transaction *tx);

/* Returns true if the marked statement is committed. */
bool transaction_is_ended(const struct transaction *tx);

/* Returns true if nothing of it can be committed. */
bool transaction_has_failed(const struct transaction *tx);

/* Returns true if it failed because another transaction was in its way, so that a new run of the
 * handler may succeed. */
bool transaction_may_rerun(const struct transaction *tx);

/* Forgets the failure. What is open is rolled back in the next flight. */
void transaction_restart(struct transaction *tx);

/* Undoes what is open; the next statement begins a new transaction. If the server does not answer,
 * the connection is closed, which makes the server roll back. */
void transaction_rollback(struct transaction *tx);

/* Rolls back what is open, asks for the plan of a slow read if one is due, and gives the connection
 * back. Afterwards only counts and source may be asked for. */
void transaction_close(struct transaction *tx);

/* Before the first query, for a read that is about the primary itself. */
void transaction_avoid_replica(struct transaction *tx);

enum transaction_outcome {
	TX_OUTCOME_NONE, /* a read, or nothing was sent */
	TX_OUTCOME_COMMITTED,
	TX_OUTCOME_ROLLED_BACK,
	TX_OUTCOME_UNKNOWN, /* FAILURE_AMBIGUOUS */
};
enum transaction_outcome transaction_outcome(const struct transaction *tx);

struct transaction_counts transaction_counts(const struct transaction *tx);

/* The connector that was used last, or NULL. */
struct connector *transaction_source(const struct transaction *tx);

/* The connection in use, or NULL. */
const struct connection *transaction_connection(const struct transaction *tx);

#endif
