/* etag.h - entity tags (RFC 9110 8.8.3) and If-None-Match (13.1.2): a client that has the answer already is told so */
#ifndef NULLPOOL_HTTP_ETAG_H
#define NULLPOOL_HTTP_ETAG_H

#include "base/attributes.h"
#include "http/reply.h"
#include "http/request.h"

/* Gives a 200 of GET or HEAD its tag, or makes it a 304 without a body. Clients may store it and have to ask each time,
 * unless the handler has set a Cache-Control of its own: then all is left to the handler. */
void etag_apply(struct reply *reply, const struct request *request);

#endif
