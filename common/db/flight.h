/* flight.h - statements that are sent together and answered together: one round trip
 *
 * It uses libpq's pipeline mode, with one Sync and one flush, since some poolers lose replies
 * otherwise. Statements without a BEGIN are one implicit transaction: the Sync commits all of them
 * or none, and a failure of that commit comes after the last statement's success. So only the Sync
 * with no error before it is success.
 *
 *     flight_begin(&flight, pg, NULL);
 *     flight_add(&flight, sql, values);
 *     end = flight_fly(&flight, deadline);
 *     ... flight.results[0] ...
 *     flight_end(&flight);
 */
#ifndef NULLPOOL_DB_FLIGHT_H
#define NULLPOOL_DB_FLIGHT_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "db/prepared.h"
#include "db/values.h"

#define FLIGHT_STATEMENTS_MAX 32
#define FLIGHT_VALUES_MAX     64 /* of one statement */

enum flight_outcome {
	FLIGHT_DONE,      /* the Sync came back, no error before it */
	FLIGHT_ROW,       /* a row of the streamed statement has come; flight_next() goes on */
	FLIGHT_REFUSED,   /* the server reported an error, which is in `error` */
	FLIGHT_LOST,      /* the connection ended, or could not be used */
	FLIGHT_LATE,      /* no answer within the deadline */
	FLIGHT_ABANDONED, /* the client left before the answer */
};

struct flight {
	PGconn *pg;
	struct prepared *prepared; /* NULL: statements are sent as text */
	const int *client;         /* its descriptor: a hangup ends the flight; NULL: no client */
	size_t count;
	/* By statement; NULL: it did not succeed. Owned by the flight. */
	PGresult *results[FLIGHT_STATEMENTS_MAX];
	struct prepared_statement
	    *prepares[FLIGHT_STATEMENTS_MAX]; /* the name it prepares, or NULL */
	struct prepared_statement
	    *uses[FLIGHT_STATEMENTS_MAX]; /* the name it was sent by, or NULL */
	bool named;                       /* some were sent by name */
	PGresult *error;                  /* the first one, or NULL; owned by the flight */
	size_t error_at;                  /* its statement */
	bool sent;                        /* the server may have received some of it */
	bool broken;                      /* the connection must not be used again */
	bool unqueued;                    /* a statement could not even be queued */
	bool large; /* values or a row made libpq's buffers grow: they never shrink */
	/* The streamed statement, if there is one, and its row. Owned by the flight. */
	bool streams;
	size_t streamed;
	PGresult *row;
	/* How far the answers were read, see flight.c. */
	size_t answered, answers;
	struct deadline deadline;
};

/* pg is in non-blocking pipeline mode with nothing in flight. prepared is that connection's, or
 * NULL. */
void flight_begin(struct flight *flight, PGconn *pg, struct prepared *prepared);

/* Queue a statement and return its index. flight_command() is for one without values that needs no
 * name (BEGIN, COMMIT), flight_add() for any other, which is sent by name if that is allowed.
 * flight_fly() reports what fails here. */
size_t flight_command(struct flight *flight, const char *sql);
size_t flight_add(struct flight *flight, const char *sql, struct values values);

/* Queues a request to describe the columns of a statement, which is not run. Its result has no
 * rows. */
size_t flight_describe(struct flight *flight, const char *sql);

/* The rows of this statement are not collected. Each is in flight->row when flight_fly() or
 * flight_next() return FLIGHT_ROW, until the next call; its result at the end has none. */
void flight_stream(struct flight *flight, size_t statement);

/* Sends them and reads every answer, or those up to the first row that is streamed. */
NP_MUST_CHECK enum flight_outcome flight_fly(struct flight *flight, struct deadline deadline);

/* After a FLIGHT_ROW: reads on, within the same deadline. */
NP_MUST_CHECK enum flight_outcome flight_next(struct flight *flight);

/* Returns the row, which becomes the caller's. */
RETURNS_OWNED PGresult *flight_take_row(struct flight *flight);

/* Returns true if a statement was sent by the name of one that the server had before this flight.
 */
bool flight_ran_prepared(const struct flight *flight, size_t statement);

/* Returns true if the error comes from the server: it names a C function, which poolers do not. */
bool flight_is_of_server(const PGresult *error);

/* Returns true if the server said that nothing of the flight was done, and not only that the server
 * is going away. */
bool flight_was_rejected(const struct flight *flight);

/* Returns the result of a statement, which the caller then owns. */
PGresult *flight_take(struct flight *flight, size_t statement);

/* Clears the results that were not taken. */
void flight_end(struct flight *flight);

#endif
