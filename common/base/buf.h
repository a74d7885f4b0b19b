/* buf.h - a byte buffer that grows up to a maximum and remembers an overflow
 *
 * Append freely, check once: after an append that did not fit, `overflow` is true, the contents
 * are those before it, and further appends do nothing. `data` always ends with a NUL, which `size`
 * does not count.
 */
#ifndef NULLPOOL_BASE_BUF_H
#define NULLPOOL_BASE_BUF_H

#include "base/attributes.h"

struct buf {
	void *owner; /* of data */
	bool fixed;  /* data is the caller's storage and cannot grow */
	char *data;
	size_t size;
	size_t capacity; /* bytes at data, including the NUL */
	size_t max;      /* limit of size */
	bool overflow;
};

/* The storage belongs to owner and grows up to max bytes and the NUL; buf_release() frees it
 * earlier. */
void buf_init(struct buf *buf, void *owner, size_t max);
void buf_release(struct buf *buf);

/* Uses the caller's storage: up to size - 1 bytes and the NUL. */
void buf_init_fixed(struct buf *buf, char *storage, size_t size);

/* Empties the buffer and keeps its storage. */
void buf_reset(struct buf *buf);

void buf_add(struct buf *buf, const char *bytes, size_t size);
void buf_text(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char byte);
void buf_int(struct buf *buf, int64_t value);
void buf_printf(struct buf *buf, const char *format, ...) NP_PRINTF(2, 3);

/* Appends a JSON string with its quotes (RFC 8259 section 7). A byte that is not part of
 * well-formed UTF-8 becomes U+FFFD. Control characters, DEL, and the two line separators that
 * terminals and JavaScript interpret are escaped. */
void buf_json_string(struct buf *buf, const char *text, size_t size);
void buf_json_text(struct buf *buf, const char *text);

/* Percent-encodes for a URL: all but unreserved characters (RFC 3986 section 2.3) and those in
 * `unescaped` become %XX. */
void buf_percent(struct buf *buf, const char *text, const char *unescaped);

#endif
