/* jwks_fetch.h - reads an issuer's key set from its https URL */
#ifndef NULLPOOL_HTTP_JWKS_FETCH_H
#define NULLPOOL_HTTP_JWKS_FETCH_H

#include "base/clock.h"
#include "http/client.h"
#include "http/jwks.h"

/* Reads the set until the deadline. Its text, of at most JWKS_MAX_BYTES, is appended to `text`.
 * Fails if the text is not a set that jwks_read() takes. What else is made belongs to owner.
 * `resolves` is true in a process that may not load glibc's modules: c-ares finds the host. */
NP_MUST_CHECK bool jwks_fetch(void *owner, struct http_client *client, const char *url,
                              bool resolves, struct deadline deadline, struct buf *text,
                              struct error *err);

#endif
