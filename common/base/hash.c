#include "base/hash.h"

#include <sodium.h>

void
hash_text(const void *bytes, size_t size, char text[HASH_TEXT_BYTES])
{
	unsigned char hash[crypto_generichash_BYTES_MIN];

	(void)crypto_generichash(hash, sizeof(hash), bytes, size, NULL, 0);
	(void)sodium_bin2hex(text, HASH_TEXT_BYTES, hash, sizeof(hash));
}
