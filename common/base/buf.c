#include <assert.h>
#include <stdarg.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#define FIRST_CAPACITY 256

void
buf_init(struct buf *buf, void *owner, size_t max)
{
	*buf = (struct buf){ .owner = owner, .max = max };
	buf->capacity = max < FIRST_CAPACITY ? max + 1 : FIRST_CAPACITY;
	buf->data = mem_resize(owner, NULL, buf->capacity);
	buf->data[0] = '\0';
}

void
buf_release(struct buf *buf)
{
	if (!buf->fixed)
		mem_free(buf->data);
	*buf = (struct buf){ .owner = NULL };
}

void
buf_init_fixed(struct buf *buf, char *storage, size_t size)
{
	assert(size > 0);
	*buf = (struct buf){ .fixed = true, .data = storage, .capacity = size, .max = size - 1 };
	buf->data[0] = '\0';
}

void
buf_reset(struct buf *buf)
{
	buf->size = 0;
	buf->overflow = false;
	buf->data[0] = '\0';
}

/* Makes room for `more` bytes and the NUL, or sets `overflow`. */
static bool
make_room(struct buf *buf, size_t more)
{
	size_t capacity = buf->capacity;

	if (buf->overflow || more > buf->max - buf->size) {
		buf->overflow = true;
		return false;
	}
	if (buf->size + more < capacity)
		return true;
	while (capacity <= buf->size + more)
		capacity = capacity > buf->max / 2 ? buf->max + 1 : capacity * 2;
	buf->data = mem_resize(buf->owner, buf->data, capacity);
	buf->capacity = capacity;
	return true;
}

void
buf_add(struct buf *buf, const char *bytes, size_t size)
{
	if (!make_room(buf, size))
		return;
	if (size > 0)
		memcpy(buf->data + buf->size, bytes, size);
	buf->size += size;
	buf->data[buf->size] = '\0';
}

void
buf_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void
buf_char(struct buf *buf, char byte)
{
	if (!make_room(buf, 1))
		return;
	buf->data[buf->size++] = byte;
	buf->data[buf->size] = '\0';
}

void
buf_printf(struct buf *buf, const char *format, ...)
{
	size_t room = buf->capacity - buf->size;
	va_list args;
	int size;

	/* Usually the text fits on the first try. */
	va_start(args, format);
	size = vsnprintf(buf->data + buf->size, room, format, args);
	va_end(args);
	assert(size >= 0);
	if (!make_room(buf, (size_t)size)) {
		buf->data[buf->size] = '\0';
		return;
	}
	if ((size_t)size >= room) {
		va_start(args, format);
		(void)vsnprintf(buf->data + buf->size, (size_t)size + 1, format, args);
		va_end(args);
	}
	buf->size += (size_t)size;
}

void
buf_int(struct buf *buf, int64_t value)
{
	char text[INT_TEXT_BYTES];

	buf_add(buf, text, text_of_int(value, text));
}

static void
add_json_escape(struct buf *buf, uint32_t point)
{
	static const char letters[] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};

	buf_char(buf, '\\');
	if (point == '"' || point == '\\')
		buf_char(buf, (char)point);
	else if (point < sizeof(letters) && letters[point])
		buf_char(buf, letters[point]);
	else
		buf_printf(buf, "u%04x", (unsigned)point);
}

/* ASCII that needs no escape: most of most texts. */
static bool
is_plain_json(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void
buf_json_string(struct buf *buf, const char *text, size_t size)
{
	size_t plain = 0, at = 0; /* [plain, at) needs no escape and is still to be appended */

	buf_char(buf, '"');
	while (at < size) {
		uint32_t point;
		size_t length;

		if (is_plain_json(text[at])) {
			at++;
			continue;
		}
		length = utf8_next(text + at, size - at, &point);
		if (length > 0 && point >= 0x20 && point != '"' && point != '\\' && point != 0x7f
		    && point != 0x2028 && point != 0x2029) {
			at += length;
			continue;
		}
		buf_add(buf, text + plain, at - plain);
		if (length == 0)
			buf_text(buf, "\xef\xbf\xbd");
		else
			add_json_escape(buf, point);
		at += length ? length : 1;
		plain = at;
	}
	buf_add(buf, text + plain, at - plain);
	buf_char(buf, '"');
}

void
buf_json_text(struct buf *buf, const char *text)
{
	buf_json_string(buf, text, strlen(text));
}

void
buf_percent(struct buf *buf, const char *text, const char *unescaped)
{
	for (; *text; text++) {
		if (text_is_alnum(*text) || strchr("-._~", *text) || strchr(unescaped, *text))
			buf_char(buf, *text);
		else
			buf_printf(buf, "%%%02X", (unsigned)(unsigned char)*text);
	}
}
