/* types.h - what Postgres says of types that pgjson.c does not know, asked once per process and
 * type
 *
 * An enum's array, or a domain's, has an oid of its own in each database. pg_type tells what it is
 * made of. The answer serves this process for good, and so does a refusal, but not a server that is
 * too slow: without an answer such a value is a string.
 */
#ifndef NULLPOOL_DB_TYPES_H
#define NULLPOOL_DB_TYPES_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/clock.h"

struct known_type {
	uint32_t oid;
	enum { TYPE_PLAIN, TYPE_ARRAY, TYPE_DOMAIN } kind;
	uint32_t inner; /* an array's elements, what a domain is based on */
	char delimiter; /* between an array's elements */
};

/* NULL: nothing is known. */
const struct known_type *types_find(uint32_t oid);

/* Remembers a type; what does not fit any more is forgotten. */
void types_add(const struct known_type *type);

/* Asks for the types of a result that look like arrays and are not known. `open`: a transaction is,
 * and stays good when it is refused. Returns the round trips that it took; *broken is set if the
 * connection must not be used again, nor what is open on it. */
int types_learn(PGconn *pg, const PGresult *rows, bool open, struct deadline request, bool *broken);

#endif
