/* multipart.h - reads multipart/form-data (RFC 7578) where it stands
 *
 * Ours, because Debian's parsers for it (GMime, those of web frameworks) come with an object system
 * or an I/O layer, and make a copy of each part. What browsers and other clients send is read; what
 * no client sends is refused: text before the first part, folded headers, encodings of a part. What
 * is read of a part that nobody keeps can be freed with its owner.
 */
#ifndef NULLPOOL_HTTP_MULTIPART_H
#define NULLPOOL_HTTP_MULTIPART_H

#include "base/attributes.h"
#include "base/error.h"

struct multipart_part {
	const char *name;
	const char *file_name; /* NULL: it is a field; "": a file without a name */
	const char *type;      /* in lower case, without parameters; NULL: none is given */
	const char *bytes;     /* in the body; what follows them is not a NUL */
	size_t size;
};

struct multipart {
	const char *at, *end;
	const char *delimiter; /* "\r\n--" and the boundary */
};

/* Begins with the body of a request of that Content-Type. Returns false with FAILURE_MEDIA_TYPE if
 * it is another type, or FAILURE_MALFORMED. */
NP_MUST_CHECK bool multipart_begin(void *owner, const char *content_type, const char *body,
                                   size_t size, struct multipart *multipart, struct error *err);

enum multipart_outcome { MULTIPART_PART, MULTIPART_END, MULTIPART_MALFORMED };

/* Reads the next part, whose texts belong to owner. */
enum multipart_outcome multipart_next(void *owner, struct multipart *multipart,
                                      struct multipart_part *part, struct error *err);

#endif
