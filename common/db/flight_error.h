/* flight_error.h - what a failed flight means for its transaction, and for the client */
#ifndef NULLPOOL_DB_FLIGHT_ERROR_H
#define NULLPOOL_DB_FLIGHT_ERROR_H

#include "base/error.h"
#include "db/flight.h"
#include "db/sqlstate.h"

struct flight_error {
	const struct flight *flight;
	enum flight_outcome outcome; /* not FLIGHT_DONE */
	bool commits;                /* its end may commit something */
	bool did_nothing;            /* the statement was refused before it ran */
	bool read_only;              /* in a transaction that only reads */
	bool has_values;             /* a statement of the transaction has values */
	bool has_arguments;          /* the request named a parameter */
	bool of_identity;            /* the statement that finds the caller was refused */
	/* A new run may succeed after a violation of this constraint; NULL: there is none. */
	const char *rerun_constraint;
};

/* Fills err; with FAILURE_AMBIGUOUS if the end of a commit was not seen. Returns whether the same
 * may be tried again. */
enum sqlstate_retry flight_error_explain(const struct flight_error *failure, struct error *err);

/* Returns true if the same may succeed at once on another connection. */
bool flight_error_may_pass(const struct flight *flight, enum flight_outcome outcome);

/* Returns false, with err, if the client has left, or if too little time is left for the answer to
 * a commit. `client`: see wait_flush(). */
NP_MUST_CHECK bool flight_error_may_commit(const int *client, struct deadline deadline,
                                           struct error *err);

/* Returns true if the handler sent what it must not send, an empty statement or COPY, to which the
 * server answers without an error. */
bool flight_error_is_misuse(const struct flight *flight);

/* Returns true if a write was refused because the server or the transaction is read only. */
bool flight_error_is_read_only(const struct flight *flight);

/* Returns true if the server does not know the caller: no live login session, no key, or not with
 * this scope. */
bool flight_error_is_unknown_caller(const struct flight *flight);

#endif
