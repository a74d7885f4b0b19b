/* base64url - RFC 4648 section 5 without padding, compared with a decoder written for this test
 *
 * Each value has exactly one text.
 */
#include "base/base64url.h"

#include "fuzz.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Returns false if the text is invalid. */
static bool
decode_base64url(const char *text, size_t size, struct buf *out)
{
	uint32_t bits = 0;
	int count = 0;

	if (size % 4 == 1)
		return false;
	for (size_t i = 0; i < size; i++) {
		const char *digit = text[i] ? strchr(alphabet, text[i]) : NULL;

		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - alphabet);
		count += 6;
		if (count >= 8) {
			count -= 8;
			buf_char(out, (char)(bits >> count & 0xff));
		}
	}
	/* Unused bits are 0. */
	return (bits & ((1u << count) - 1)) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	char *text = base64url_encode(owner, data, size), *bytes;
	size_t length = 0;
	struct buf wanted;

	bytes = base64url_decode(owner, text, strlen(text), &length);
	HOLDS(bytes && length == size && (size == 0 || memcmp(bytes, data, size) == 0));
	HOLDS(bytes[length] == '\0');

	buf_init(&wanted, owner, size + 1);
	bytes = base64url_decode(owner, (const char *)data, size, &length);
	HOLDS((bytes != NULL) == decode_base64url((const char *)data, size, &wanted));
	if (bytes)
		HOLDS(length == wanted.size && memcmp(bytes, wanted.data, length) == 0);
	mem_free(owner);
	return 0;
}
