/* base64url.h - bytes as text that needs no escape in a URL (RFC 4648 5, without padding), by
 * libsodium */
#ifndef NULLPOOL_BASE_BASE64URL_H
#define NULLPOOL_BASE_BASE64URL_H

#include "base/attributes.h"

char *base64url_encode(void *owner, const void *bytes, size_t size);

/* NULL: it is none, or has bits that no byte needs: one text, one value. A NUL stands behind the
 * bytes. */
char *base64url_decode(void *owner, const char *text, size_t text_size, size_t *size);

#endif
