#include "http/cursor.h"

#include "base/base64url.h"
#include "base/mem.h"
#include "base/text.h"

/* ASCII's unit separator stands before each key. In a key it is escaped as two bytes, and so is the
 * escape byte. */
#define SEPARATOR         '\x1f'
#define ESCAPE            '\x1e'
#define ESCAPED_SEPARATOR 'f'
#define ESCAPED_ESCAPE    'e'
/* This many bytes encode to CURSOR_MAX_BYTES. */
#define JOINED_MAX_BYTES (CURSOR_MAX_BYTES / 4 * 3)

static void
add_key(struct buf *joined, const char *key)
{
	buf_char(joined, SEPARATOR);
	for (; *key; key++) {
		if (*key == SEPARATOR || *key == ESCAPE)
			buf_char(joined, ESCAPE);
		if (*key == SEPARATOR)
			buf_char(joined, ESCAPED_SEPARATOR);
		else
			buf_char(joined, *key == ESCAPE ? ESCAPED_ESCAPE : *key);
	}
}

/* In place, since a key only gets shorter. Returns false if add_key() cannot have written it. */
static bool
unescape_key(char *key)
{
	char *to = key;

	for (; *key; key++) {
		if (*key == ESCAPE && key[1] != ESCAPED_SEPARATOR && key[1] != ESCAPED_ESCAPE)
			return false;
		if (*key == ESCAPE)
			*to++ = *++key == ESCAPED_SEPARATOR ? SEPARATOR : ESCAPE;
		else
			*to++ = *key;
	}
	*to = '\0';
	return true;
}

void
cursor_write(struct buf *out, const char *const *keys, size_t count)
{
	char storage[JOINED_MAX_BYTES + 1];
	struct buf joined;
	char *text;

	buf_init_fixed(&joined, storage, sizeof(storage));
	for (size_t i = 0; i < count; i++)
		add_key(&joined, keys[i]);
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
		char *key = at ? at + 1 : NULL;

		at = key ? strchr(key, SEPARATOR) : NULL;
		if (at)
			*at = '\0';
		if (key && !unescape_key(key))
			return false;
		keys[i] = key;
	}
	return at == NULL;
}
