/* sqlstate.h - what an error of Postgres, or of a proxy before it, means for the request
 *
 * Pure: text in, meaning out. A failed connect has no SQLSTATE field in libpq; with
 * PQERRORS_VERBOSE the code stands in the text ("FATAL:  28P01: password …"). Neon's proxy and
 * Supavisor say XX000 for everything and PgBouncer 08P01, so for those the text decides.
 */
#ifndef NULLPOOL_DB_SQLSTATE_H
#define NULLPOOL_DB_SQLSTATE_H

#include "base/attributes.h"
#include "base/error.h"

enum sqlstate_retry {
	RETRY_NEVER, /* the same again: configuration, or the statement itself */
	RETRY_SOON,  /* with jitter, while nothing was sent */
	RETRY_LATE,  /* once, after 200 ms or more: the server is full */
	RETRY_RERUN, /* the whole transaction */
};

struct sqlstate_meaning {
	enum np_failure kind;
	enum sqlstate_retry retry;
	const char *message; /* for the client */
	int retry_after_s;   /* 0: the kind's own */
	bool is_about_value; /* the client's only where a value of the request can be the cause;
	                    else ours */
	bool is_raised;      /* by RAISE: the server's own message is for the client */
	int status;          /* the one that was chosen so; 0: the kind's own */
};

/* Of an error while a statement or a commit ran. `code` may be "" (the connection was lost).
 * from_server: it names its function in the server, which no pooler does. */
struct sqlstate_meaning sqlstate_of_statement(const char *code, bool from_server);

/* Of an error while connecting; the kind is NP_UNAVAILABLE always, what differs is the retry. */
struct sqlstate_meaning sqlstate_of_connect(const char *code, const char *text);

/* Finds the code in a verbose message; "" when there is none. */
void sqlstate_in_text(const char *text, char code[6]);

/* Fills err from a meaning; `text` is what the server said, for the log. */
void sqlstate_error(struct error *err, const struct sqlstate_meaning *meaning, const char *code,
                    const char *text);

#endif
