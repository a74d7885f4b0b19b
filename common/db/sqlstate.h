/* sqlstate.h - what an error of Postgres, or of a proxy before it, means for the request
 *
 * It needs no connection: text in, meaning out. libpq has no SQLSTATE field for a failed
 * connection; with PQERRORS_VERBOSE the message has it ("FATAL:  28P01: password …"). Neon's proxy
 * and Supavisor use XX000 for every error and PgBouncer uses 08P01, so for those the message
 * decides.
 */
#ifndef NULLPOOL_DB_SQLSTATE_H
#define NULLPOOL_DB_SQLSTATE_H

#include "base/attributes.h"
#include "base/error.h"

/* Of the LIMIT and the OFFSET below 0 with which a text of nullpool-sql fails: see struct
 * np_statement. */
#define SQLSTATE_SEVERAL_ROWS "2201W"
#define SQLSTATE_NO_ROW       "2201X"

enum sqlstate_retry {
	RETRY_NEVER, /* it would fail again: configuration, or the statement itself */
	RETRY_SOON,  /* with jitter, if nothing was sent */
	RETRY_LATE,  /* once, after 200 ms or more: the server is full */
	RETRY_RERUN, /* repeat the whole transaction */
};

struct sqlstate_meaning {
	enum failure kind;
	enum sqlstate_retry retry;
	const char *message; /* for the client */
	int retry_after_s;   /* 0: the kind's default */
	/* The client's fault only if a value of the request can be the cause, else ours. */
	bool is_about_value;
	bool is_raised; /* by RAISE: the server's message is for the client */
	int status;     /* that RAISE chose; 0: the kind's own */
};

/* The meaning of an error of a statement or a commit. `code` is "" if the connection was lost.
 * from_server: the error names a function of the server's source, which no pooler does. */
struct sqlstate_meaning sqlstate_of_statement(const char *code, bool from_server);

/* The meaning of an error while connecting. The kind is always FAILURE_UNAVAILABLE; the retry
 * differs.
 */
struct sqlstate_meaning sqlstate_of_connect(const char *code, const char *text);

/* Finds the code in a verbose message; "" if there is none. */
void sqlstate_in_text(const char *text, char code[6]);

/* Fills err from a meaning. `text` is the server's message, for the log. */
void sqlstate_error(struct error *err, const struct sqlstate_meaning *meaning, const char *code,
                    const char *text);

#endif
