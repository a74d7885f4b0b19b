/* transaction_flight.h - one flight of a transaction: what it sends, and what it showed
 *
 * The first flight of a run opens the transaction: the settings, the caller's identity and the
 * guard travel before the statement. The flight of the marked statement carries the commit. If
 * nothing else is in the transaction, it needs neither BEGIN nor COMMIT (flight.h).
 */
#ifndef NULLPOOL_DB_TRANSACTION_FLIGHT_H
#define NULLPOOL_DB_TRANSACTION_FLIGHT_H

#include "db/flight.h"
#include "db/session.h"
#include "db/transaction.h"

/* Why a flight did nothing, although the same may succeed in another way. */
enum flight_obstacle {
	NO_OBSTACLE,
	UNKNOWN_NAME,   /* the server does not have a statement's name, or one of our settings */
	NOT_PRIMARY,    /* the server became a standby */
	UNKNOWN_LOGIN,  /* a standby, which may lag, knows no login session of the caller */
	OUTDATED_TYPES, /* maybe: its parameters had other types when it was prepared */
};

/* Borrowed; the session has a connection. */
struct transaction_flight_context {
	const struct transaction_options *options;
	const struct transaction_guard *guard; /* NULL: none */
	struct session *session;
	bool as_text; /* no statement is sent by name */
};

/* What a flight is for. Borrowed. */
struct transaction_work {
	const struct transaction_statement *statements;
	size_t count;   /* at most TRANSACTION_STATEMENTS_MAX */
	bool last;      /* they are the last of the transaction */
	bool savepoint; /* what came before them stands if one is refused */
	bool streams;   /* the rows of the only one come one by one */
};

struct transaction_flight {
	struct flight sent;
	bool opens;   /* nothing of this run was open before it */
	bool commits; /* its end may commit something */
	/* Their places in the flight; `settings` and `identity` only if it opens, `lookup` only
	 * with a guard. */
	size_t settings, identity, lookup;
	size_t places[TRANSACTION_STATEMENTS_MAX]; /* of the statements, or of the COMMIT */
	size_t statements;                         /* their number */
	bool has_savepoint;
	int64_t start_us;
	enum flight_outcome outcome;
	enum flight_obstacle obstacle;
};

/* Composes the flight of some work; `opens` if nothing of this run is open. End it with
 * flight_end(&flight->sent). */
void transaction_flight_compose(struct transaction_flight *flight,
                                const struct transaction_flight_context *context,
                                const struct transaction_work *work, bool opens);

/* Composes what undoes a statement that was refused after its savepoint. */
void transaction_flight_compose_undo(struct transaction_flight *flight,
                                     const struct transaction_flight_context *context);

/* Returns the index of the first statement that did not succeed; 0 if none was sent. */
size_t transaction_flight_failed(const struct transaction_flight *flight);

/* Composes a COMMIT, with the statement `with` before it (NULL: none). */
void transaction_flight_compose_commit(struct transaction_flight *flight,
                                       const struct transaction_flight_context *context,
                                       const struct transaction_statement *with);

/* Flies it until the deadline of its commands, or until `deadline`. Sets outcome and obstacle,
 * spoils the session as the flight showed, and adds to `counts`. */
void transaction_flight_fly(struct transaction_flight *flight,
                            const struct transaction_flight_context *context,
                            struct transaction_counts *counts);
void transaction_flight_fly_until(struct transaction_flight *flight,
                                  const struct transaction_flight_context *context,
                                  struct deadline deadline, struct transaction_counts *counts);

/* Reads on, to the next row that is streamed or to the end. */
void transaction_flight_next(struct transaction_flight *flight,
                             const struct transaction_flight_context *context,
                             struct transaction_counts *counts);

#endif
