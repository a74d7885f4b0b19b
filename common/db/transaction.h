/* transaction.h - a session for one request: connects late, commits once, always gives back
 *
 * The connection is taken by the first query, and what a transaction needs travels with its
 * statements (flight.h):
 *
 * read:   each query is one flight and a transaction of its own. write:  the statement that was
 * marked as the last carries the commit; alone it is one flight, an implicit transaction. Without a
 * mark the commit is one more flight. manual: as a write without a mark.
 *
 * When its client hangs up, a read ends at once, and so does a write of which no commit was sent:
 * the connection is closed, also one that is still being opened, and the server stops by
 * client_connection_check_interval. A commit that was sent is waited for, and so is a write with a
 * claim, whose answer is kept for the next try.
 *
 * Every flight is bounded by the request's deadline and the command timeout, which the server is
 * told too, so that it stops when nobody waits any more. What is lost before the server got it, or
 * in a read, or in the first flight of a write that carries no commit, is tried again once on a
 * fresh connection.
 */
#ifndef NULLPOOL_DB_TRANSACTION_H
#define NULLPOOL_DB_TRANSACTION_H

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "db/claim.h"
#include "db/connect.h"
#include "db/replica.h"
#include "db/rows.h"

struct transaction_statement {
	const char *sql;
	struct np_values values; /* borrowed */
};

/* Something that took its time, told when it is over; texts are borrowed for the call. */
struct transaction_note {
	enum { NOTE_CONNECT, NOTE_QUERY, NOTE_COMMIT } what;
	int64_t start_us;                /* of clock_now_us() */
	const char *sql;                 /* of NOTE_QUERY */
	const char *name;                /* of its constant; NULL: none */
	int64_t rows;                    /* of NOTE_QUERY */
	const struct connect_cost *cost; /* of NOTE_CONNECT */
	const struct error *err;         /* NULL: it went well */
};
typedef void transaction_listener(void *context, const struct transaction_note *note);

struct transaction_options {
	struct connector *connector;
	bool no_rerun;           /* the handler is not run again */
	bool asked;              /* the request named a parameter: a bad value may be its own */
	struct replica *replica; /* for reads that a standby can serve; NULL: none */
	enum np_tx mode;
	enum np_isolation isolation;
	struct deadline deadline; /* of the request */
	/* The descriptor of whoever waits for the answer, borrowed; NULL: it may not leave. */
	const int *client;
	int64_t command_timeout_s;
	/* Travels with the transaction's settings, and is one. NULL: none. */
	const struct transaction_statement *identity;
	/* Travels before the handler's first statement, and what comes after it is only done if it
	 * succeeds. NULL: none. */
	struct claim *claim;
	int64_t slow_query_ms; /* so long and longer is logged; 0: none */
	/* Whether it is time to ask for the plan of a slow read, which takes the turn. NULL: it
	 * never is. */
	bool (*may_explain)(void);
	const char *endpoint; /* with request_id: application_name, seen in pg_stat_activity */
	const char *request_id;
	const char *trace_id;           /* takes its place there; NULL: there is none */
	transaction_listener *listener; /* NULL: nobody listens */
	void *listener_context;
};

/* What it cost, for the log line. */
struct transaction_counts {
	int queries;
	int flights; /* round trips, but those of connecting */
	int64_t flights_us;
	int64_t rows;
	int retries;                 /* on a fresh connection */
	int reruns;                  /* of the handler */
	struct connect_cost connect; /* round_trips is 0: none was opened */
	int backend_pid;             /* 0: none was used */
	bool on_replica;
};

struct transaction;

RETURNS_OWNED struct transaction *transaction_new(void *owner,
                                                  const struct transaction_options *options);

/* Runs one statement; its result belongs to the transaction's owner. After one that failed, each
 * further call, and the commit, fails with the same error, until transaction_rollback() or
 * transaction_restart(). A statement that carried the commit fails as transaction_commit() does. */
NP_MUST_CHECK bool transaction_query(struct transaction *tx, const char *sql,
                                     struct np_values values, struct np_rows **rows,
                                     struct error *err);

/* The next statement's name for the log, borrowed; NULL: it has none. */
void transaction_name(struct transaction *tx, const char *name);

/* The next statement is the last: the commit travels with it. See np_last(). */
void transaction_mark_last(struct transaction *tx);

/* From the next opening flight on without the claim, until transaction_restart(). `done`: what it
 * claimed was done before. */
void transaction_drop_claim(struct transaction *tx, bool done);

/* From here on each statement returns what was kept of it (`kept`: see rows_replay()), and nothing
 * is done. */
void transaction_replay(struct transaction *tx, const struct np_rows *kept);

/* Commits, if anything was begun; with a statement in the same flight, which may be NULL. True
 * means that the server confirmed it, or that there was nothing to commit. NP_AMBIGUOUS: the
 * connection or the time ended after the commit was sent, so it may have happened. NP_TIMEOUT: too
 * little time was left to send it. */
NP_MUST_CHECK bool transaction_commit(struct transaction *tx,
                                      const struct transaction_statement *with, struct error *err);

/* Whether the marked statement is done: it was committed, or is lost. */
bool transaction_is_done(const struct transaction *tx);

/* Whether a statement failed, so that nothing of it can be committed any more. */
bool transaction_has_failed(const struct transaction *tx);

/* Whether it failed only because another one was in its way, or its commit was lost and the claim
 * would tell: then the same again, from its beginning, may succeed. */
bool transaction_may_rerun(const struct transaction *tx);

/* Forgets the failure, and what was to be replayed; what is open is rolled back in the next
 * statement's flight. */
void transaction_restart(struct transaction *tx);

/* Undoes what was begun; the next query begins anew. A server that does not answer is left: it
 * rolls back when the connection closes. */
void transaction_rollback(struct transaction *tx);

/* Rolls back what is still open, asks for the plan of what was slow, if it is time to, and gives
 * the connection back. Nothing may be called after it but counts. */
void transaction_close(struct transaction *tx);

/* Before its first query: a read that is about the primary itself. */
void transaction_avoid_replica(struct transaction *tx);

/* What became of it, as it is told in the log; of a read nothing is. */
enum transaction_outcome {
	OUTCOME_NONE, /* a read, or nothing was begun */
	OUTCOME_COMMITTED,
	OUTCOME_ROLLED_BACK,
	OUTCOME_UNKNOWN,  /* NP_AMBIGUOUS */
	OUTCOME_REPLAYED, /* it had been done before, under its key */
	OUTCOME__MAX,
};
extern const char *const transaction_outcome_names[OUTCOME__MAX]; /* of OUTCOME_NONE: NULL */
enum transaction_outcome transaction_outcome(const struct transaction *tx);

struct transaction_counts transaction_counts(const struct transaction *tx);

/* Which connector was used last, or NULL. */
struct connector *transaction_source(const struct transaction *tx);

/* The connection in use, or NULL. */
const struct connection *transaction_connection(const struct transaction *tx);

#endif
