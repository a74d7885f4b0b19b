/* types.h - the types that pgjson.c does not know by itself, as far as Postgres has described them
 *
 * An enum's array, or a domain's, has an oid of its own in each database. types_learn.h asks
 * pg_type what such a type is made of, and the answer is kept here for the life of the process.
 */
#ifndef NULLPOOL_DB_TYPES_H
#define NULLPOOL_DB_TYPES_H

#include "base/attributes.h"

struct known_type {
	uint32_t oid;
	enum { TYPE_PLAIN, TYPE_ARRAY, TYPE_DOMAIN } kind;
	uint32_t inner; /* the type of an array's elements, or the base type of a domain */
	char delimiter; /* between an array's elements */
};

/* Returns NULL if the type is not known. */
const struct known_type *types_find(uint32_t oid);

/* Remembers a type, unless it is known already or types_are_full(). */
void types_add(const struct known_type *type);

bool types_are_full(void);

#endif
