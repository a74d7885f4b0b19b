/* pgjson.h - turns a column's text, as Postgres sends it, into JSON by the column's type
 *
 * bool, int2, int4, int8 and finite floats are JSON's own; NaN and infinities are null. numeric is
 * a number if a double keeps all its digits, else a string. json and jsonb are copied, but a line
 * feed in json becomes a space. timestamptz is RFC 3339 with its offset, and timestamp is the same
 * without one. Arrays of these are arrays, and so are arrays of other types that types.h knows.
 * Everything else is a string, uuid and enums included. DateStyle must be ISO.
 */
#ifndef NULLPOOL_DB_PGJSON_H
#define NULLPOOL_DB_PGJSON_H

#include "base/attributes.h"
#include "base/buf.h"

/* Returns true if the type is known without asking the server (types.h). */
bool pgjson_knows(uint32_t oid);

/* Returns what a value of the type `oid` is to a handler, by nullpool.h's np_field(); of an array,
 * what its elements are. */
enum np_type pgjson_value_type(uint32_t oid, bool *is_list);

/* Appends a value of the type `oid`. */
void pgjson_value(struct buf *out, uint32_t oid, const char *text, size_t size);

#endif
