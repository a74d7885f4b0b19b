/* base64url.h - binary data as text that needs no escaping in a URL: RFC 4648 section 5, without
 * padding */
#ifndef NULLPOOL_BASE_BASE64URL_H
#define NULLPOOL_BASE_BASE64URL_H

#include "base/attributes.h"

/* The text belongs to owner. */
char *base64url_encode(void *owner, const void *bytes, size_t size);

/* Returns the bytes, which belong to owner and have a NUL behind them. Returns NULL if the text is
 * not base64url or sets unused bits, so that each value has exactly one text. */
char *base64url_decode(void *owner, const char *text, size_t text_size, size_t *size);

/* Decodes base64 (RFC 4648 section 4, with its padding). Returns false if it is none, or has more
 * than max bytes. */
NP_MUST_CHECK bool base64_decode(const char *text, unsigned char *bytes, size_t max, size_t *size);

#endif
