/* openapi_responses.h - what a route answers, with headers and examples, for openapi.h */
#ifndef NULLPOOL_HTTP_OPENAPI_RESPONSES_H
#define NULLPOOL_HTTP_OPENAPI_RESPONSES_H

#include "base/attributes.h"
#include "base/buf.h"

/* ,"responses":{…}. `conditional`: it obeys If-Match. Examples of problems are what the code that
 * answers makes of a wrong request. */
void openapi_responses(struct buf *out, const struct np_route *route, bool conditional);

/* "headers":{…}: what the responses refer to. */
void openapi_headers(struct buf *out);

/* Returns true if a repeat of the route's request is told from the first by an Idempotency-Key. */
bool openapi_takes_key(const struct np_route *route);

/* Returns true if the route has a parameter of these places. */
bool openapi_has_param(const struct np_route *route, enum np_place first, enum np_place last);

#endif
