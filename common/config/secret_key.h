/* secret_key.h - whether a text can be a secret key in production: nobody knows it, and nobody can
 * guess it */
#ifndef NULLPOOL_CONFIG_SECRET_KEY_H
#define NULLPOOL_CONFIG_SECRET_KEY_H

#include "base/attributes.h"

#define SECRET_KEY_MIN_BYTES 32 /* HS256 wants a key as long as its hash, RFC 7518 3.2 */

/* Returns NULL if it can, else what is wrong, a sentence without its subject. A key is refused if
 * it is shorter than SECRET_KEY_MIN_BYTES, if it is published (in this project, in a tutorial), if
 * it is a placeholder, or if it has less than 2^SECRET_KEY_MIN_BITS alternatives by this estimate:
 * a common word is one of 32; a character that repeats the two before it, goes on along the
 * alphabet, the digits or a row of the keyboard, or ends three characters that occurred before
 * counts nothing; any other one counts as one of the distinct characters of the key. What `openssl
 * rand -hex 32`, `openssl rand -base64 32` and Python's secrets.token_urlsafe(32) make has more
 * than 2^190. */
#define SECRET_KEY_MIN_BITS 96
const char *secret_key_fault(const char *key);

#endif
