/* reply_text.h - a successful reply as text, to be stored and sent again
 *
 *     201
 *     Content-Type: text/csv
 *     Location: /users/7
 *     (an empty line)
 *     {"id": …}
 *
 * The media type is left out if it is application/json. The content may be any bytes.
 */
#ifndef NULLPOOL_HTTP_REPLY_TEXT_H
#define NULLPOOL_HTTP_REPLY_TEXT_H

#include "base/attributes.h"
#include "http/reply.h"

void reply_to_text(const struct reply *reply, struct buf *out);

/* Replaces the reply. Returns false, and leaves the reply empty, if the text is not one that
 * reply_to_text() writes. */
NP_MUST_CHECK bool reply_from_text(struct reply *reply, const char *text, size_t size);

#endif
