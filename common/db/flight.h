/* flight.h - statements that go to the server together and are answered together: one round trip
 *
 * libpq's pipeline mode, with one Sync in flight and one flush (some poolers lose replies
 * otherwise). Statements without a BEGIN are one implicit transaction: the Sync commits all of them
 * or none, and what fails at the commit comes after the last statement's success. So success is the
 * Sync, with no error before it.
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

#define FLIGHT_STATEMENTS_MAX 16
#define FLIGHT_VALUES_MAX     64 /* of one statement */

enum flight_outcome {
	FLIGHT_DONE,      /* the Sync came back, no error before it */
	FLIGHT_REFUSED,   /* the server said no; `error` has its words */
	FLIGHT_LOST,      /* the connection ended, or could not be used */
	FLIGHT_LATE,      /* no answer within the deadline */
	FLIGHT_ABANDONED, /* the client left before the answer */
};

struct flight {
	PGconn *pg;
	struct prepared *prepared; /* NULL: statements are sent as text */
	const int *
	    client; /* its descriptor, which ends the flight when it hangs up; NULL: nothing does */
	size_t count;
	/* By statement; NULL where it did not succeed. The flight's own. */
	PGresult *results[FLIGHT_STATEMENTS_MAX];
	struct prepared_statement
	    *prepares[FLIGHT_STATEMENTS_MAX]; /* what it makes known, or NULL */
	bool named;                           /* some were sent by name */
	PGresult *error;                      /* the first one, or NULL. The flight's own */
	bool sent;                            /* the server may have got some of it */
	bool broken;                          /* the connection must not be used again */
	bool unqueued;                        /* a statement could not even be queued */
	bool large; /* values or a row made libpq's buffers grow: they never shrink */
};

/* pg: in non-blocking pipeline mode, nothing in flight. prepared: of that connection, or NULL. */
void flight_begin(struct flight *flight, PGconn *pg, struct prepared *prepared);

/* Queues a statement without values that is used once (BEGIN, COMMIT), or any other one, by its
 * name where that is allowed; returns its index. What goes wrong here comes out at flight_fly(). */
size_t flight_command(struct flight *flight, const char *sql);
size_t flight_add(struct flight *flight, const char *sql, struct np_values values);

/* Asks what a statement would return, without running it: the result has its columns and no rows.
 */
size_t flight_describe(struct flight *flight, const char *sql);

/* Sends them and reads every answer. */
NP_MUST_CHECK enum flight_outcome flight_fly(struct flight *flight, struct deadline deadline);

/* Whether an error is the server's own: it names its function, which poolers do not. */
bool flight_is_of_server(const PGresult *error);

/* Whether the server said that nothing of it was done, and not only that it was going. */
bool flight_was_rejected(const struct flight *flight);

/* The result of a statement becomes the caller's. */
PGresult *flight_take(struct flight *flight, size_t statement);

/* Clears the results that were not taken. */
void flight_end(struct flight *flight);

#endif
