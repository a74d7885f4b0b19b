#include "http/cursor.h"
#include "base/mem.h"
#include "base/text.h"

/* ASCII's unit separator, before each key. */
#define SEPARATOR '\x1f'
/* What encodes to CURSOR_MAX_BYTES. */
#define JOINED_MAX_BYTES (CURSOR_MAX_BYTES / 4 * 3)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void
encode(struct buf *out, const char *bytes, size_t size)
{
	uint32_t bits = 0;
	int count = 0;

	for (size_t i = 0; i < size; i++) {
		bits = bits << 8 | (unsigned char)bytes[i];
		for (count += 8; count >= 6; count -= 6)
			buf_char(out, alphabet[bits >> (count - 6) & 63]);
	}
	if (count > 0)
		buf_char(out, alphabet[bits << (6 - count) & 63]);
}

static bool
decode(const char *text, struct buf *out)
{
	uint32_t bits = 0;
	int count = 0;

	for (; *text; text++) {
		const char *digit = strchr(alphabet, *text);

		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - alphabet);
		count += 6;
		if (count >= 8) {
			count -= 8;
			buf_char(out, (char)(bits >> count & 255));
		}
	}
	/* One text, one cursor: no stray digit, and the unused bits are zero. */
	return count < 6 && (bits & ((1u << count) - 1)) == 0;
}

void
cursor_write(struct buf *out, const char *const *keys, size_t count)
{
	char storage[JOINED_MAX_BYTES + 1];
	struct buf joined;

	buf_init_fixed(&joined, storage, sizeof(storage));
	for (size_t i = 0; i < count; i++) {
		if (strchr(keys[i], SEPARATOR))
			joined.overflow = true;
		buf_char(&joined, SEPARATOR);
		buf_text(&joined, keys[i]);
	}
	encode(out, joined.data, joined.size);
	out->overflow = out->overflow || joined.overflow;
}

bool
cursor_read(void *owner, const char *text, const char *keys[CURSOR_KEYS_MAX])
{
	struct buf joined;
	char *at;

	if (!*text || strlen(text) > CURSOR_MAX_BYTES)
		return false;
	buf_init(&joined, owner, CURSOR_MAX_BYTES);
	if (!decode(text, &joined) || memchr(joined.data, '\0', joined.size)
	    || !utf8_valid(joined.data, joined.size, NULL))
		return false;
	at = joined.data[0] == SEPARATOR ? joined.data : NULL;
	if (!at)
		return false;
	for (size_t i = 0; i < CURSOR_KEYS_MAX; i++) {
		if (at)
			*at++ = '\0';
		keys[i] = at;
		at = at ? strchr(at, SEPARATOR) : NULL;
	}
	return at == NULL;
}
