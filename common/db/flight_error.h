/* flight_error.h - what a flight that did not end well means for its transaction, and for who asked
 */
#ifndef NULLPOOL_DB_FLIGHT_ERROR_H
#define NULLPOOL_DB_FLIGHT_ERROR_H

#include "base/error.h"
#include "db/flight.h"
#include "db/sqlstate.h"

struct flight_error {
	const struct flight *flight;
	enum flight_outcome outcome; /* not FLIGHT_DONE */
	bool commits;                /* with its end, something may be committed */
	bool forgotten; /* a statement's name was not good any more, so nothing was done */
	bool reads;     /* in a transaction that only reads */
	bool valued;    /* a statement of it got values */
	bool asked;     /* the request named a parameter */
	bool claimed;   /* the same again would find out whether it was done */
};

/* Fills err: NP_AMBIGUOUS when the end of a commit was not seen. Returns whether the same may be
 * tried again. */
enum sqlstate_retry flight_error_explain(const struct flight_error *mishap, struct error *err);

/* Whether the same may succeed on another connection at once. */
bool flight_error_may_pass(const struct flight *flight, enum flight_outcome outcome);

/* Nothing may be committed that the client will not hear of, or not in time. `client`: see
 * wait_flush(). */
NP_MUST_CHECK bool flight_error_may_commit(const int *client, struct deadline deadline,
                                           struct error *err);

/* An empty statement, COPY: no error of the server's, and nothing that a handler may send. */
bool flight_error_is_misuse(const struct flight *flight);

/* A write was refused since the server, or the transaction, is read only. */
bool flight_error_is_read_only(const struct flight *flight);

/* The server knows no live session of the caller. */
bool flight_error_is_ended_session(const struct flight *flight);

#endif
