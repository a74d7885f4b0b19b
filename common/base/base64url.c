#include "base/base64url.h"

#include <sodium.h>

#include "base/mem.h"
#include "base/text.h"

/* libsodium 1.0.18 treats bytes above 0x7f as digits, because its char is signed. */
static bool
is_in_alphabet(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!text_is_alnum(text[i]) && text[i] != '-' && text[i] != '_')
			return false;
	return true;
}

char *
base64url_encode(void *owner, const void *bytes, size_t size)
{
	size_t room = sodium_base64_encoded_len(size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *text = mem_resize(owner, NULL, room);

	return sodium_bin2base64(text, room, bytes, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

char *
base64url_decode(void *owner, const char *text, size_t text_size, size_t *size)
{
	char *bytes = mem_resize(owner, NULL, text_size + 1);

	if (!is_in_alphabet(text, text_size)
	    || sodium_base642bin((unsigned char *)bytes, text_size, text, text_size, NULL, size,
	                         NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING)
	           != 0) {
		mem_free(bytes);
		return NULL;
	}
	bytes[*size] = '\0';
	return bytes;
}

bool
base64_decode(const char *text, unsigned char *bytes, size_t max, size_t *size)
{
	for (const char *c = text; *c; c++)
		if (!text_is_alnum(*c) && !strchr("+/=", *c))
			return false;
	return sodium_base642bin(bytes, max, text, strlen(text), NULL, size, NULL,
	                         sodium_base64_VARIANT_ORIGINAL)
	       == 0;
}
