/* statement.h - the log lines of a handler's statement, and the plan of a slow one
 *
 * A value is never logged: the text is the handler's constant, and the plan is the generic one, in
 * which parameters are $1, $2, …
 */
#ifndef NULLPOOL_DB_STATEMENT_H
#define NULLPOOL_DB_STATEMENT_H

#include "base/attributes.h"
#include "db/transaction.h"

struct statement {
	const char *sql;
	const char *name; /* NULL: none */
	size_t values;
	int64_t us; /* of its flights, without connecting */
	bool ok;
	bool shared; /* `us` is that of a flight with other statements */
};

/* Logs "slow query", "statement failed" with `err`, or at level debug "statement". */
void statement_log(const struct transaction_options *options, const struct statement *statement,
                   const struct error *err);

/* Returns true for a read that took SLOW_QUERY_MS or longer, if plans are wanted. */
bool statement_wants_plan(const struct transaction_options *options,
                          const struct statement *statement);

/* Asks for the plan and logs it, within a second, on a connection outside of a transaction. The
 * statement is not run, and nothing stays on the server. A failure is logged. Returns false if the
 * connection must not be used again. */
NP_MUST_CHECK bool statement_explain(const struct transaction_options *options, PGconn *pg,
                                     const struct statement *statement);

#endif
