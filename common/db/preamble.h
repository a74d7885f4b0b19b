/* preamble.h - what a transaction says first: how it begins, and its limits
 *
 * They travel in the same flight as the first statement and end with the transaction: no start-up
 * options, which poolers refuse, and nothing that the next user of a connection would inherit. The
 * server's limits are within our own, so that it stops first and says so.
 *
 * A role, a database or a server may have its own value for each setting that shapes a value's text
 * or what a statement means. Those are always set here, so that an answer is the same whoever asks.
 * They never change, so a session that only we use gets them once and keeps them.
 */
#ifndef NULLPOOL_DB_PREAMBLE_H
#define NULLPOOL_DB_PREAMBLE_H

#include "base/attributes.h"
#include "base/clock.h"
#include "db/flight.h"

/* So much before the request's deadline the server stops, and a commit is not sent any more: its
 * answer could come too late, and nobody would know what became of it. */
#define PREAMBLE_RESERVE_MS 100
/* So much later than the server's own limit we give up; it stops a statement first and says so. */
#define PREAMBLE_GRACE_MS 1000

/* How a busy server notices that its client left. Not every server that has it may use it. */
#define PREAMBLE_CHECK_NAME "client_connection_check_interval"

/* Which of the settings that never change the connection's session has already. */
enum preamble_session {
	PREAMBLE_FIRST,   /* nothing is known of it: all are set, for the transaction */
	PREAMBLE_UNUSUAL, /* the session may be another one each time: the same again */
	PREAMBLE_USUAL,   /* as PREAMBLE_UNUSUAL, but those that hardly anybody changes are known to
	                     be right */
	PREAMBLE_OWN,     /* it has a server process of its own: all are set, for the session */
	PREAMBLE_SET,     /* its own, and it has them */
};

struct preamble {
	struct deadline deadline; /* of the request */
	int64_t command_timeout_s;
	bool read_only;
	bool implicit;      /* the transaction is this flight, without a BEGIN */
	bool checks_client; /* the server can notice that its client left */
	enum preamble_session session;
	enum np_isolation isolation;
	const char *endpoint, *id; /* application_name, seen in pg_stat_activity */
};

/* When we give up on a flight. The server's limit is for each statement, so a commit beside another
 * one may take as long again. */
struct deadline preamble_flight_deadline(const struct preamble *head, bool commits);

/* BEGIN with what cannot be set later. */
void preamble_begin(const struct preamble *head, struct flight *flight);

/* The transaction's settings. Returns the index of their row: with PREAMBLE_FIRST it is for
 * preamble_is_usual(), and its last column is pg_backend_pid(). */
size_t preamble_settings(const struct preamble *head, struct flight *flight);

/* Whether the settings that hardly anybody changes had the values that they should have. */
bool preamble_is_usual(const PGresult *row);

/* What is left of the time, for a further flight of the same transaction. */
void preamble_renew(const struct preamble *head, struct flight *flight);

#endif
