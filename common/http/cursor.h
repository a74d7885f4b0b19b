/* cursor.h - an opaque "next": the sort keys of a page's last row, as base64url
 *
 * It is not signed here: app/page.c puts a seal of the other keys first.
 */
#ifndef NULLPOOL_HTTP_CURSOR_H
#define NULLPOOL_HTTP_CURSOR_H

#include "base/attributes.h"
#include "base/buf.h"

#define CURSOR_KEYS_MAX  5    /* four of a page's order, and what it is a page of */
#define CURSOR_MAX_BYTES 2048 /* of the encoded text */

/* Encodes 1 to CURSOR_KEYS_MAX keys, none of which may be NULL. Keys that are too long, some 1,500
 * bytes together, overflow the buffer. */
void cursor_write(struct buf *out, const char *const *keys, size_t count);

/* False: not something that cursor_write() made. The keys belong to owner; those that are not there
 * are NULL. */
NP_MUST_CHECK bool cursor_read(void *owner, const char *text, const char *keys[CURSOR_KEYS_MAX]);

#endif
