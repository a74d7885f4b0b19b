/* prepared.h - the statements that a kept connection's server has parsed and planned already
 *
 * A statement of the same text then costs the server half of what it did. Each gets its name in the
 * flight of its first use, so that no round trip is added. Only on a connection that has a server
 * process of its own: one that speaks for another's (a pooler's in transaction mode) would have the
 * name made in one process and used in another. The server tells, in the first flight:
 * pg_backend_pid() is then the process that the connection began with, while poolers make that
 * number up. What is wrong all the same shows as an error by which nothing was done:
 * prepared_is_lost().
 */
#ifndef NULLPOOL_DB_PREPARED_H
#define NULLPOOL_DB_PREPARED_H

#include <libpq-fe.h>

#include "base/attributes.h"

#define PREPARED_MAX        64 /* of a program; others are sent as text each time */
#define PREPARED_NAME_BYTES 8

struct prepared_statement {
	const char *sql;
	char name[PREPARED_NAME_BYTES];
	bool ready; /* the server has it */
};

struct prepared;

/* Of one connection after the other; belongs to owner. */
RETURNS_OWNED struct prepared *prepared_new(void *owner);

/* For a new connection. That a pooler is in between was learnt for ever. */
void prepared_reset(struct prepared *prepared);

/* From a result with one row, whose last column is pg_backend_pid(). */
void prepared_learn(struct prepared *prepared, const PGconn *pg, const PGresult *row);

/* Whether the connection is known to have a server process of its own. */
bool prepared_is_allowed(const struct prepared *prepared);

/* The statement of that text, made known if it was not. NULL: it has to be sent as text. */
struct prepared_statement *prepared_find(struct prepared *prepared, const char *sql);

/* Whether an error of a flight with names says that the server's idea of one is another: it forgot
 * it (26000), has it already (42P05), or a migration changed what it returns (0A000). The
 * connection should be replaced. */
bool prepared_is_lost(struct prepared *prepared, const PGresult *error);

/* Returns true if the error of a statement that was prepared earlier may only be due to a migration
 * that has changed the type of a parameter since: Postgres plans the statement anew, but keeps the
 * old types. Sent as text it may succeed. */
bool prepared_may_be_outdated(const PGresult *error);

#endif
