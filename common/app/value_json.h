/* value_json.h - a handler's value as JSON: an argument, a field of a row, or one of its own */
#ifndef NULLPOOL_APP_VALUE_JSON_H
#define NULLPOOL_APP_VALUE_JSON_H

#include "base/attributes.h"
#include "base/buf.h"

/* Writes the value as pgjson_value() writes a column of its type; SQL's NULL is null. */
void value_json(struct buf *out, struct np_value value);

#endif
