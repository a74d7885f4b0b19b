/* json_canonical.h - writes each JSON value as one text, for comparing and hashing; the text itself
 * is not JSON
 *
 * White space, the order of an object's members, escapes in strings and the spelling of numbers
 * (1, 1.0 and 10e-1) make no difference. Everything else does: the order of an array does, and -0
 * is not 0.
 */
#ifndef NULLPOOL_HTTP_JSON_CANONICAL_H
#define NULLPOOL_HTTP_JSON_CANONICAL_H

#include "base/buf.h"

/* Room for the canonical text of a JSON text of this size. */
#define JSON_CANONICAL_MAX_BYTES(size) (2 * (size) + 64)

/* Appends the value at `text`, which json_check() has accepted. Of any other text it appends what
 * comes before the error. */
void json_canonical(struct buf *out, const char *text);

#endif
