/* statement.h - what the log says of a handler's statement, and now and then the plan of a slow one
 *
 * Never a value: the text is the handler's constant, and the plan is the generic one, in which
 * parameters are $1, $2, …
 */
#ifndef NULLPOOL_DB_STATEMENT_H
#define NULLPOOL_DB_STATEMENT_H

#include "base/attributes.h"
#include "db/transaction.h"

struct statement {
	const char *sql;
	const char *name; /* as np_query() was told: an expression of C, of which it may be the
	                     name; NULL: none */
	size_t values;
	int64_t us; /* its flights: connecting is not in it */
	bool ok;
};

/* user_by_id, or of pages[…] what is before the bracket; NULL: a literal and what else may stand
 * there has no name. */
#define STATEMENT_NAME_BYTES 64
const char *statement_name(const struct statement *statement, char name[STATEMENT_NAME_BYTES]);

/* "slow query", "statement failed" with what `err` says, or in DEBUG "statement". */
void statement_log(const struct transaction_options *options, const struct statement *statement,
                   const struct error *err);

/* Whether it is a read that took SLOW_QUERY_MS or longer, and plans are asked for at all. */
bool statement_wants_plan(const struct transaction_options *options,
                          const struct statement *statement);

/* Asks for its plan and logs it, within a second; on a connection whose session is idle. It runs
 * nothing, and what it makes on the server is gone afterwards, also after a failure, which is a
 * line in the log. False: the connection must not be used again. */
NP_MUST_CHECK bool statement_explain(const struct transaction_options *options, PGconn *pg,
                                     const struct statement *statement);

#endif
