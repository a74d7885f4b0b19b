/* param_scalar.h - how JSON writes each type of value that is not an object or a list */
#ifndef NULLPOOL_HTTP_PARAM_SCALAR_H
#define NULLPOOL_HTTP_PARAM_SCALAR_H

#include "base/attributes.h"
#include "base/buf.h"
#include "http/json.h"

/* Returns the text of a value if JSON writes the type that way, NULL if not. A number without a
 * fraction is an integer, as in JSON Schema: 1.0 and 1e2 are. What is made belongs to owner. */
const char *param_scalar_text(void *owner, enum np_type type, const struct json_member *member);

/* Returns what a member of the type must be ("must be …"). */
const char *param_scalar_message(enum np_type type);

/* Writes a value that param_check() took, as JSON. */
void param_scalar_write(struct buf *out, const struct np_value *value);

#endif
