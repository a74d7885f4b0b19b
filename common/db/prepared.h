/* prepared.h - the statements that the server of a kept connection has parsed already
 *
 * Running a prepared statement costs the server half of what its text does. A statement gets its
 * name in the flight of its first use, so no round trip is added. Only a connection with a server
 * process of its own has prepared statements: a pooler in transaction mode would prepare one in one
 * process and run it in another. The first flight tells: pg_backend_pid() is the process ID that
 * the connection began with, while poolers make that number up. If that is wrong all the same, the
 * server refuses with an error, and nothing was done: see prepared_is_lost().
 */
#ifndef NULLPOOL_DB_PREPARED_H
#define NULLPOOL_DB_PREPARED_H

#include <libpq-fe.h>

#include "base/attributes.h"

#define PREPARED_MAX        64 /* of a program; any further one is sent as text each time */
#define PREPARED_NAME_BYTES 8

struct prepared_statement {
	const char *sql;
	char name[PREPARED_NAME_BYTES];
	bool ready; /* the server has it */
};

struct prepared;

/* Holds the current connection's statements. Belongs to owner. */
RETURNS_OWNED struct prepared *prepared_new(void *owner);

/* Starts again for a new connection, unless a pooler was found, which is remembered for good. */
void prepared_reset(struct prepared *prepared);

/* Learns whether there is a pooler from a result of one row whose last column is
 * pg_backend_pid(). */
void prepared_learn(struct prepared *prepared, const PGconn *pg, const PGresult *row);

/* Returns true if the connection is known to have a server process of its own. */
bool prepared_is_allowed(const struct prepared *prepared);

/* Finds or adds the statement with that text. Returns NULL if it must be sent as text. */
struct prepared_statement *prepared_find(struct prepared *prepared, const char *sql);

/* Returns true if an error shows that the server does not have a named statement as we do: it is
 * unknown (26000), exists already (42P05), or a migration changed what it returns (0A000). The
 * connection should be replaced. */
bool prepared_is_lost(struct prepared *prepared, const PGresult *error);

/* Returns true if the error of a statement that was prepared earlier may only be due to a migration
 * that has changed the type of a parameter since: Postgres plans the statement anew, but keeps the
 * old types. Sent as text it may succeed. */
bool prepared_may_be_outdated(const PGresult *error);

#endif
