/* value_json.h - a handler's value as JSON: an argument's, a field's, or one of its own */
#ifndef NULLPOOL_APP_VALUE_JSON_H
#define NULLPOOL_APP_VALUE_JSON_H

#include "base/attributes.h"
#include "base/buf.h"

/* By its type, as pgjson_value() writes a column of that type. */
void value_json(struct buf *out, struct np_value value);

#endif
