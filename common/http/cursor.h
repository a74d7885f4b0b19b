/* cursor.h - the opaque "next" of a page: the sort keys of its last row, as base64url
 *
 * A cursor is not signed here: app/page.c puts a seal of the other keys first.
 */
#ifndef NULLPOOL_HTTP_CURSOR_H
#define NULLPOOL_HTTP_CURSOR_H

#include "base/attributes.h"
#include "base/buf.h"

#define CURSOR_KEYS_MAX  5    /* the seal, and four keys of a page's order */
#define CURSOR_MAX_BYTES 2048 /* of the encoded text */

/* Encodes 1 to CURSOR_KEYS_MAX keys, none of which may be NULL. Keys that are too long, some 1,500
 * bytes together, overflow the buffer. */
void cursor_write(struct buf *out, const char *const *keys, size_t count);

/* Decodes the keys, which then belong to owner; those after the last one are NULL. Returns false if
 * cursor_write() cannot have written the text. */
NP_MUST_CHECK bool cursor_read(void *owner, const char *text, const char *keys[CURSOR_KEYS_MAX]);

#endif
