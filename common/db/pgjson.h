/* pgjson.h - one column's text, as Postgres sends it, to JSON by the column's type
 *
 * bool, int2/4/8 and finite floats are JSON's own; NaN and infinities are null. numeric is a number
 * while a double keeps all its digits, else a string. json and jsonb stand as they are, except that
 * json keeps no line feeds. timestamptz is RFC 3339 with its offset, timestamp the same without
 * one. Arrays of these are arrays, and so are those of other types that types.h knows. Everything
 * else, uuid and enums among it, is a string. Needs DateStyle ISO.
 */
#ifndef NULLPOOL_DB_PGJSON_H
#define NULLPOOL_DB_PGJSON_H

#include "base/attributes.h"
#include "base/buf.h"

/* Whether it knows the type without asking (types.h). */
bool pgjson_knows(uint32_t oid);

/* `oid` is the column's type, of pg_type.dat. */
void pgjson_value(struct buf *out, uint32_t oid, const char *text, size_t size);

#endif
