/* value.h - the text of a handler's value
 *
 * A number that a handler makes has no text until one is needed: to send it, to hash it, to write
 * it as JSON. That text is only needed for a moment, so it lives in the caller's storage.
 */
#ifndef NULLPOOL_BASE_VALUE_H
#define NULLPOOL_BASE_VALUE_H

#include "base/attributes.h"
#include "base/text.h"

/* Returns the text as SQL gets it: the value's own, or one that is written into `number`. Returns
 * NULL for SQL's NULL. */
#define VALUE_TEXT_BYTES FLOAT_TEXT_BYTES
const char *value_text(const struct np_value *value, char number[VALUE_TEXT_BYTES]);

#endif
