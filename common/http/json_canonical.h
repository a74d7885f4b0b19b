/* json_canonical.h - one text for each JSON value, however it was written; to be compared or
 * hashed, it is not JSON itself
 *
 * White space, the order of an object's members, escapes in strings and the spelling of numbers
 * (1, 1.0 and 10e-1) make no difference. Everything else does, so also the order of an array, and
 * -0 is not 0.
 */
#ifndef NULLPOOL_HTTP_JSON_CANONICAL_H
#define NULLPOOL_HTTP_JSON_CANONICAL_H

#include "base/buf.h"

/* Room for what a text of that many bytes becomes. */
#define JSON_CANONICAL_MAX_BYTES(size) (2 * (size) + 64)

/* Appends the value at `text`, which has passed the gate (json.h); of any other text it appends
 * what there is until the fault. */
void json_canonical(struct buf *out, const char *text);

#endif
