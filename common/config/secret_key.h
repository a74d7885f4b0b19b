/* secret_key.h - whether a text can be a secret key in production: not published and not guessable
 */
#ifndef NULLPOOL_CONFIG_SECRET_KEY_H
#define NULLPOOL_CONFIG_SECRET_KEY_H

#include "base/attributes.h"

#define SECRET_KEY_MIN_BYTES 32 /* HS256 requires a key as long as its hash (RFC 7518 3.2) */

/* Returns NULL if the key is accepted, else what is wrong with it, as a sentence without a subject.
 *
 * A key is refused if it is shorter than SECRET_KEY_MIN_BYTES, if it is published (in this project
 * or in a tutorial), if it is a placeholder, or if an estimate gives it fewer than
 * 2^SECRET_KEY_MIN_BITS alternatives. The estimate is a product:
 *
 * - a common word counts as 32 alternatives;
 * - a character does not count if it repeats the two before it, continues a sequence of the
 *   alphabet, the digits or a keyboard row, or ends three characters that occurred before;
 * - any other character counts as the number of distinct characters in the key.
 *
 * Keys from `openssl rand -hex 32`, `openssl rand -base64 32` and Python's
 * secrets.token_urlsafe(32) have more than 2^190 alternatives. */
#define SECRET_KEY_MIN_BITS 96
const char *secret_key_fault(const char *key);

#endif
