/* transaction_parts.h - what the files of a transaction share: transaction.c and
 * transaction_stream.c
 */
#ifndef NULLPOOL_DB_TRANSACTION_PARTS_H
#define NULLPOOL_DB_TRANSACTION_PARTS_H

#include "db/sqlstate.h"
#include "db/statement.h"
#include "db/transaction.h"
#include "db/transaction_flight.h"
#include "db/transaction_state.h"

struct transaction_stream;

struct transaction {
	void *owner;
	struct transaction_options options;
	const struct transaction_guard *guard; /* that of the options, until it is dropped */
	struct session session;
	enum transaction_state state;
	struct error failure; /* in TX_FAILED: the first one; what follows results from it */
	enum sqlstate_retry retry;
	bool committed;              /* some of it was */
	bool has_values;             /* a statement of what is open, or the last one, has values */
	const struct np_rows *found; /* by the guard's lookup, in a flight that failed; or NULL */
	const struct np_rows *identified; /* by the identity's statement, or NULL */
	struct statement slowest;         /* the read whose plan is wanted; sql is NULL: none */
	/* The types of this statement's parameters were outdated, so all are sent as text. NULL:
	 * none was. */
	const char *outdated_sql;
	struct transaction_stream *stream; /* in TX_STREAMING; else NULL */
	struct transaction_counts counts;
};

void transaction_move(struct transaction *tx, enum transaction_event event);

/* Tells the listener, if there is one. */
void transaction_notify(const struct transaction *tx, struct transaction_note note);

/* Fills err with what the flight failed with. Returns false. */
bool transaction_explain(struct transaction *tx, const struct transaction_flight *flight,
                         struct error *err);

/* Returns false, with the failure that keeps the transaction from going on. */
bool transaction_fail(struct transaction *tx, struct error *err);

struct transaction_flight_context transaction_context(struct transaction *tx);

/* Flies a flight that was composed, and counts it. */
void transaction_fly(struct transaction *tx, struct transaction_flight *flight);

/* From now on statements are sent as text, if the flight showed that the types of this one were
 * outdated. Returns true if the flight was the whole transaction so far, so that it can be repeated
 * on the same connection. Otherwise the handler runs again, or, where it may not, the next request
 * gets another connection. */
bool transaction_fall_back_to_text(struct transaction *tx, const struct transaction_flight *flight,
                                   const char *sql);

/* Fails if too little is left of the time, or of the client, for a commit; a read always may. */
NP_MUST_CHECK bool transaction_may_commit(const struct transaction *tx, struct error *err);

/* Sends the commit, with the statement `with` before it (NULL: none). */
NP_MUST_CHECK bool transaction_send_commit(struct transaction *tx,
                                           const struct transaction_statement *with,
                                           struct error *err);

/* Takes a connection, unless there is one. */
NP_MUST_CHECK bool transaction_connect(struct transaction *tx, struct error *err);

/* Fails if no statement may be run now, or not these. */
NP_MUST_CHECK bool transaction_may_run(const struct transaction *tx,
                                       const struct transaction_work *work, struct error *err);

/* Before statements are sent: remembers whether a value may be to blame for a failure. */
void transaction_note_values(struct transaction *tx, const struct transaction_work *work);

/* Sends statements, a second time where that helps (transaction.h). End the flight with
 * flight_end(), also after a failure. Its start_us is 0 if nothing was sent. */
NP_MUST_CHECK bool transaction_send(struct transaction *tx, const struct transaction_work *work,
                                    struct transaction_flight *flight, struct error *err);

/* Takes the rows of the statement of that index, whose flight is done. */
RETURNS_OWNED struct np_rows *transaction_take_rows(struct transaction *tx,
                                                    struct transaction_flight *flight,
                                                    size_t statement, const char *sql);

/* Counts and logs a statement, and remembers the slowest read, whose plan is asked for after the
 * reply has left. */
void transaction_record(struct transaction *tx, const struct statement *statement, int64_t start_us,
                        int64_t rows, const struct error *err);

/* Commits what the marked statement has left open. */
NP_MUST_CHECK bool transaction_finish_last(struct transaction *tx, struct error *err);

#endif
