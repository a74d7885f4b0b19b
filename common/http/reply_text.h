/* reply_text.h - a reply as text, to be kept and given again
 *
 *     201
 *     Location: /users/7
 *     (an empty line)
 *     {"id": …}
 *
 * Of the media type that all successes have.
 */
#ifndef NULLPOOL_HTTP_REPLY_TEXT_H
#define NULLPOOL_HTTP_REPLY_TEXT_H

#include "base/attributes.h"
#include "http/reply.h"

void reply_to_text(const struct reply *reply, struct buf *out);

/* False: it is none; the reply is empty then. */
NP_MUST_CHECK bool reply_from_text(struct reply *reply, const char *text, size_t size);

#endif
