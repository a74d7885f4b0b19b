/* buf.h - bytes that grow to a maximum, with an overflow that is remembered
 *
 * Append freely, ask once: after an append that did not fit, `overflow` is true, the contents are
 * what fitted before it, and further appends do nothing. `data` always ends with a NUL that `size`
 * does not count.
 */
#ifndef NULLPOOL_BASE_BUF_H
#define NULLPOOL_BASE_BUF_H

#include "base/attributes.h"

struct buf {
	void *owner; /* of data */
	bool fixed;  /* data is the caller's storage, and cannot grow */
	char *data;
	size_t size;
	size_t capacity; /* bytes at data, with the NUL */
	size_t max;      /* of size */
	bool overflow;
};

/* Storage that belongs to owner and grows to max bytes; buf_release() gives it back earlier. */
void buf_init(struct buf *buf, void *owner, size_t max);
void buf_release(struct buf *buf);

/* Storage of the caller's: up to size - 1 bytes and the NUL. */
void buf_init_fixed(struct buf *buf, char *storage, size_t size);

void buf_reset(struct buf *buf);

void buf_add(struct buf *buf, const char *bytes, size_t size);
void buf_text(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char byte);
void buf_int(struct buf *buf, int64_t value);
void buf_printf(struct buf *buf, const char *format, ...) NP_PRINTF(2, 3);

/* A JSON string with its quotes, RFC 8259 7. What is not UTF-8 becomes U+FFFD; control bytes, DEL,
 * and the two line separators that terminals and JavaScript act on, are escaped. */
void buf_json_string(struct buf *buf, const char *text, size_t size);
void buf_json_text(struct buf *buf, const char *text);

/* As in a URL: all but unreserved characters (RFC 3986 2.3) and those in `keep` become %XX. */
void buf_percent(struct buf *buf, const char *text, const char *keep);

#endif
