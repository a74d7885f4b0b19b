/* cookie.h - cookies (RFC 6265): one of a request's, and one of a response */
#ifndef NULLPOOL_HTTP_COOKIE_H
#define NULLPOOL_HTTP_COOKIE_H

#include "base/attributes.h"
#include "base/buf.h"

/* Returns the value of the first cookie of that name in a Cookie header (NULL: there is none),
 * without quotes around it. Belongs to owner. Returns NULL if there is none. The name is one that
 * cookie_is_name() takes. */
const char *cookie_find(void *owner, const char *header, const char *name);

/* Returns true for a name that a cookie can have: a token. */
bool cookie_is_name(const char *name);

/* Writes the value of a Set-Cookie header. Returns NULL, or what is wrong with the cookie. */
const char *cookie_write(struct buf *out, const struct np_cookie *cookie);

#endif
