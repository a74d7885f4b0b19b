/* preamble.h - what a transaction sends first: how it begins, and its settings
 *
 * They travel in the same flight as the first statement and end with the transaction: no start-up
 * options, which poolers refuse, and nothing that the next user of a connection would inherit. The
 * server's limits are within our own, so that it stops first and says so.
 *
 * A role, a database or a server may have its own value for a setting that shapes the text of a
 * value or the meaning of a statement. Those settings are always sent, so that every role gets the
 * same answer. They never change, so a session that only we use gets them once.
 */
#ifndef NULLPOOL_DB_PREAMBLE_H
#define NULLPOOL_DB_PREAMBLE_H

#include "base/attributes.h"
#include "base/clock.h"
#include "db/flight.h"

/* The server stops this long before the request's deadline. From then on no commit is sent: its
 * answer could come too late, and the outcome would be unknown. */
#define PREAMBLE_RESERVE_MS 100
/* We give up this long after the server's own limit, so that it stops a statement first and says
 * why. */
#define PREAMBLE_GRACE_MS 1000

/* With it a busy server notices that its client left. Some servers know it and refuse it. */
#define PREAMBLE_CHECK_NAME "client_connection_check_interval"

/* Which of the settings that never change the session of the connection has. */
enum preamble_session {
	PREAMBLE_FIRST,   /* unknown: all are set, for the transaction */
	PREAMBLE_UNUSUAL, /* a pooler may give another session each time: as PREAMBLE_FIRST */
	/* As PREAMBLE_UNUSUAL, but the rarely changed ones are known to have their usual values. */
	PREAMBLE_USUAL,
	PREAMBLE_OWN, /* it has a server process of its own: all are set, for the session */
	PREAMBLE_SET, /* as PREAMBLE_OWN, and the session has them */
};

struct preamble {
	struct deadline deadline; /* of the request */
	int64_t command_timeout_s;
	bool read_only;
	bool implicit;      /* the flight is the transaction, without a BEGIN */
	bool checks_client; /* the server can notice that its client left */
	enum preamble_session session;
	enum np_isolation isolation;
	const char *endpoint, *id; /* application_name, seen in pg_stat_activity */
};

/* Returns when we give up on a flight. The server limits each of its `statements`, so each, and a
 * commit, may take as long. */
struct deadline preamble_flight_deadline(const struct preamble *preamble, size_t statements,
                                         bool commits);

/* Adds BEGIN, with the modes that cannot be set later. */
void preamble_begin(const struct preamble *preamble, struct flight *flight);

/* Adds the settings. Returns the index of their row: with PREAMBLE_FIRST it is for
 * preamble_is_usual(), and its last column is pg_backend_pid(). */
size_t preamble_settings(const struct preamble *preamble, struct flight *flight);

/* Returns true if the rarely changed settings had their usual values. */
bool preamble_is_usual(const PGresult *row);

/* Sets the limits anew, for a further flight of the same transaction. */
void preamble_renew(const struct preamble *preamble, struct flight *flight);

#endif
