/* param_object.h - an object of a body that has a table of its own (.members), or a list of them
 *
 * The value is JSON that is written anew, for jsonb_to_recordset(): members as the table has them,
 * integers without a fraction, UUIDs in lower case, default values filled in.
 */
#ifndef NULLPOOL_HTTP_PARAM_OBJECT_H
#define NULLPOOL_HTTP_PARAM_OBJECT_H

#include "http/decoder.h"
#include "http/json.h"

/* Sets the argument's value. What is wrong is added to the decoder's faults under its place, such
 * as "items[3].sku". */
void param_object_decode(struct decoder *decoder, struct argument *argument,
                         const struct json_member *member);

#endif
