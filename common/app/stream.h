/* stream.h - replies whose rows leave as they come, in bounded memory: np_stream_csv() and the like
 *
 * What has come until a part is full is sent as an ordinary reply, if that is all of it: with its
 * length, an ETag, and errors as of any other statement. Otherwise reply.goes_on is set, and
 * stream_next() makes each further part of the body.
 */
#ifndef NULLPOOL_APP_STREAM_H
#define NULLPOOL_APP_STREAM_H

#include "base/attributes.h"

enum stream_format { STREAM_JSON_LINES, STREAM_CSV };

struct np_ctx;

/* Makes the next part, in place of the last one, and clears reply.goes_on with the last. False,
 * with ctx->error: the rest will not come, and the client has to see that. */
NP_MUST_CHECK bool stream_next(struct np_ctx *ctx);

#endif
