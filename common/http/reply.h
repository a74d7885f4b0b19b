/* reply.h - a response as plain data, built in memory before any of it is sent */
#ifndef NULLPOOL_HTTP_REPLY_H
#define NULLPOOL_HTTP_REPLY_H

#include "base/attributes.h"
#include "base/buf.h"
#include "base/error.h"

/* More than a page of 100 rows of everything; a larger answer is a fault of the handler. */
#define REPLY_BODY_MAX_BYTES (8 << 20)
#define REPLY_HEADERS_MAX    24 /* with REPLY_HEADERS_OURS, which a handler cannot take */
#define REPLY_HEADERS_OURS   8
/* Of all that a handler adds; with ours below nginx's fastcgi_buffer_size of 8 KiB. */
#define REPLY_HEADERS_MAX_BYTES 4096
/* Enough for every head. */
#define REPLY_HEAD_MAX_BYTES 8192

struct reply_header {
	const char *name;
	const char *value;
};

struct reply {
	void *owner;
	int status;
	const char *content_type;
	struct reply_header headers[REPLY_HEADERS_MAX];
	size_t header_count;
	size_t header_bytes;
	struct buf body;
	bool without_body; /* HEAD: Content-Length as if it were there */
};

void reply_init(struct reply *reply, void *owner);

/* Drops what was set, for a new start (a problem instead of a success). */
void reply_reset(struct reply *reply);

/* NP_INTERNAL when name or value has a byte that would end the header (or a second one would
 * begin), and when there are too many or too long ones. */
NP_MUST_CHECK bool reply_add_header(struct reply *reply, const char *name, const char *value,
                                    struct error *err);

/* The same for a header of our own, which is known to be good. Its strings are borrowed. */
void reply_set_header(struct reply *reply, const char *name, const char *value);

/* The value of a header that was set, or NULL. */
const char *reply_header(const struct reply *reply, const char *name);

/* "Status: 200 OK\r\n…\r\n\r\n", the form of CGI (RFC 3875 6.2); `first` is "Status:" or
 * "HTTP/1.1". `out` holds REPLY_HEAD_MAX_BYTES. */
void reply_write_head(const struct reply *reply, const char *first, struct buf *out);

const char *reply_reason(int status); /* RFC 9110 15; "" when unknown */

#endif
