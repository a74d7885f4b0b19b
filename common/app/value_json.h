/* value_json.h - a handler's value as JSON: an argument, a field of a row, or one of its own */
#ifndef NULLPOOL_APP_VALUE_JSON_H
#define NULLPOOL_APP_VALUE_JSON_H

#include "base/attributes.h"
#include "base/buf.h"

/* Of pg_type.dat. */
#define JSON_COLUMN_TYPE    3802 /* jsonb */
#define NUMERIC_COLUMN_TYPE 1700

/* Returns false if a handler calls a text JSON that is none. What an argument or a column has was
 * checked before. */
NP_MUST_CHECK bool value_is_json(const struct np_value *value);

/* Writes the value as pgjson_value() writes a column of its type; SQL's NULL is null. */
void value_json(struct buf *out, struct np_value value);

#endif
