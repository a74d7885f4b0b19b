/* transaction.h - a session for one request: connects late, commits once, always gives back
 *
 * The connection is taken and the transaction begun by the first query. Every statement runs under the
 * request's deadline and the command timeout, told to the server too (statement_timeout), so that it stops
 * when nobody waits any more. Settings travel with BEGIN in one round trip and end with the transaction: no
 * start-up options, which poolers refuse, and nothing that the next user of a connection would inherit.
 */
#ifndef NULLPOOL_DB_TRANSACTION_H
#define NULLPOOL_DB_TRANSACTION_H

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "db/connect.h"
#include "db/rows.h"

struct transaction_options {
	struct connector *connector;
	enum np_tx mode;
	struct deadline deadline; /* of the request */
	int64_t command_timeout_s;
	const char *endpoint; /* with request_id: application_name, seen in pg_stat_activity */
	const char *request_id;
};

/* What it cost, for the log line. */
struct transaction_counts {
	int queries;
	int64_t rows;
	int64_t connect_us; /* 0: none was opened */
	int backend_pid;    /* 0: none was used */
};

struct transaction;

RETURNS_OWNED struct transaction *transaction_new(void *owner, const struct transaction_options *options);

/* Runs one statement; its result belongs to the transaction's owner. After one that failed, each further call, and
 * the commit, fails with the same error, until transaction_rollback(). */
NP_MUST_CHECK bool transaction_query(struct transaction *tx, const char *sql, struct np_values values,
                                     struct np_rows **rows, struct error *err);

/* The next statement is the last: the commit follows it at once. See np_last(). */
void transaction_mark_last(struct transaction *tx);

/* Commits, if anything was begun. True means that the server confirmed it, or that there was nothing to commit.
 * NP_AMBIGUOUS: the connection or the time ended after the commit was sent, so it may have happened. NP_TIMEOUT: too
 * little time was left to send it. */
NP_MUST_CHECK bool transaction_commit(struct transaction *tx, struct error *err);

/* Undoes what was begun; the next query begins anew. A server that does not answer is left: it rolls back when the
 * connection closes. */
void transaction_rollback(struct transaction *tx);

/* Rolls back what is still open and gives the connection back. Nothing may be called after it but counts. */
void transaction_close(struct transaction *tx);

struct transaction_counts transaction_counts(const struct transaction *tx);

/* The connection in use, or NULL. */
const struct connection *transaction_connection(const struct transaction *tx);

#endif
