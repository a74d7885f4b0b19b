/* openapi_responses.h - the responses of a route, with headers and examples, for openapi.h */
#ifndef NULLPOOL_HTTP_OPENAPI_RESPONSES_H
#define NULLPOOL_HTTP_OPENAPI_RESPONSES_H

#include "base/attributes.h"
#include "base/buf.h"

/* Writes ,"responses":{…}. A `conditional` route obeys If-Match. The examples of problems come
 * from the code that answers such a request. */
void openapi_responses(struct buf *out, const struct np_route *route, bool conditional);

/* Writes "headers":{…}, which the responses refer to. */
void openapi_headers(struct buf *out);

#endif
