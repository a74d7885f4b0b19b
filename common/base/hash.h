/* hash.h - a fingerprint of bytes: BLAKE2b of libsodium, cut to 128 bits; not for passwords */
#ifndef NULLPOOL_BASE_HASH_H
#define NULLPOOL_BASE_HASH_H

#include "base/attributes.h"

#define HASH_TEXT_BYTES 33 /* 32 hexadecimal digits and a NUL */

void hash_text(const void *bytes, size_t size, char text[HASH_TEXT_BYTES]);

#endif
