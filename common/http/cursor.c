#include "http/cursor.h"
#include "base/base64url.h"
#include "base/mem.h"
#include "base/text.h"

/* ASCII's unit separator, before each key. */
#define SEPARATOR '\x1f'
/* What encodes to CURSOR_MAX_BYTES. */
#define JOINED_MAX_BYTES (CURSOR_MAX_BYTES / 4 * 3)

void
cursor_write(struct buf *out, const char *const *keys, size_t count)
{
	char storage[JOINED_MAX_BYTES + 1];
	struct buf joined;
	char *text;

	buf_init_fixed(&joined, storage, sizeof(storage));
	for (size_t i = 0; i < count; i++) {
		if (strchr(keys[i], SEPARATOR))
			joined.overflow = true;
		buf_char(&joined, SEPARATOR);
		buf_text(&joined, keys[i]);
	}
	text = base64url_encode(NULL, joined.data, joined.size);
	buf_text(out, text);
	mem_free(text);
	out->overflow = out->overflow || joined.overflow;
}

bool
cursor_read(void *owner, const char *text, const char *keys[CURSOR_KEYS_MAX])
{
	size_t text_size = strlen(text), size;
	char *at;

	if (text_size > CURSOR_MAX_BYTES)
		return false;
	at = base64url_decode(owner, text, text_size, &size);
	if (!at || at[0] != SEPARATOR || memchr(at, '\0', size) || !utf8_valid(at, size, NULL))
		return false;
	for (size_t i = 0; i < CURSOR_KEYS_MAX; i++) {
		if (at)
			*at++ = '\0';
		keys[i] = at;
		at = at ? strchr(at, SEPARATOR) : NULL;
	}
	return at == NULL;
}
