/* etag.h - entity tags (RFC 9110 8.8.3), If-Match (13.1.1) and If-None-Match (13.1.2)
 *
 * A client that has the current response gets a 304, and a client that has an older one cannot
 * overwrite the newer.
 */
#ifndef NULLPOOL_HTTP_ETAG_H
#define NULLPOOL_HTTP_ETAG_H

#include "base/attributes.h"
#include "http/reply.h"
#include "http/request.h"

/* How the value of If-Match or If-None-Match relates to a tag. */
enum etag_match {
	ETAG_NOT_LISTED, /* a list without the tag */
	ETAG_LISTED,     /* a list with the tag */
	ETAG_ANY,        /* `*` */
	ETAG_MALFORMED,  /* neither a list nor `*` */
};

/* `strong` compares as If-Match does: a weak tag (W/), on either side, never matches. A NULL tag is
 * in no list. */
enum etag_match etag_match(const char *list, const char *tag, bool strong);

/* Returns the tag of the reply to a GET: the one that its handler has set, or a hash of the body.
 * Returns NULL if the reply is not a 200, or if its handler has set a Cache-Control but no tag. */
const char *etag_of(const struct reply *reply);

/* Returns true if the request is a GET or HEAD whose If-Match does not match this reply. */
bool etag_if_match_fails(const struct reply *reply, const struct request *request);

/* Gives a 200 to GET or HEAD its tag, or makes it a 304 without a body. Clients may store the
 * response but have to revalidate it each time. If the handler has set a Cache-Control, nothing is
 * done. */
void etag_apply(struct reply *reply, const struct request *request);

#endif
