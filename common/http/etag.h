/* etag.h - entity tags (RFC 9110 8.8.3), If-Match (13.1.1) and If-None-Match (13.1.2)
 *
 * A client that has the answer already is told so, and one that has an older answer does not get
 * its write done.
 */
#ifndef NULLPOOL_HTTP_ETAG_H
#define NULLPOOL_HTTP_ETAG_H

#include "base/attributes.h"
#include "http/reply.h"
#include "http/request.h"

/* What the value of such a header says of a tag. */
enum etag_match {
	ETAG_NOT_LISTED, /* a list without the tag */
	ETAG_LISTED,     /* a list with the tag */
	ETAG_ANY,        /* a star alone */
	ETAG_MALFORMED,  /* neither of them */
};

/* `strong` compares as If-Match does: a tag with W/ before it, on either side, never matches. `tag`
 * NULL: there is none. */
enum etag_match etag_match(const char *list, const char *tag, bool strong);

/* The tag that the reply to a GET has: the one it was given by its handler, or ours. NULL: none,
 * since the handler has set a Cache-Control of its own, or it is no 200. */
const char *etag_of(const struct reply *reply);

/* Whether If-Match says that a GET or HEAD with this reply must not be answered with it. */
bool etag_if_match_fails(const struct reply *reply, const struct request *request);

/* Gives a 200 of GET or HEAD its tag, or makes it a 304 without a body. Clients may store it and
 * have to ask each time, unless the handler has set a Cache-Control of its own: then all is left to
 * the handler. */
void etag_apply(struct reply *reply, const struct request *request);

#endif
