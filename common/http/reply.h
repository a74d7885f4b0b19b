/* reply.h - a response as plain data, built in memory before any of it is sent */
#ifndef NULLPOOL_HTTP_REPLY_H
#define NULLPOOL_HTTP_REPLY_H

#include "base/attributes.h"
#include "base/buf.h"
#include "base/error.h"

/* More than a page of 100 rows needs. A larger response is an error of the handler. */
#define REPLY_BODY_MAX_BYTES (8 << 20)
#define REPLY_HEADERS_MAX    24 /* including REPLY_HEADERS_OURS */
#define REPLY_HEADERS_OURS   8  /* reserved: a handler cannot use them */
/* Of ours, those that are set when a stored response was restored: Cache-Control, ETag,
 * Idempotency-Replayed, Server-Timing, Traceparent. */
#define REPLY_HEADERS_LATE 5
/* Of all headers that a handler adds. With ours they stay below nginx's fastcgi_buffer_size of 8
 * KiB. */
#define REPLY_HEADERS_MAX_BYTES 4096
/* Room for any head. */
#define REPLY_HEAD_MAX_BYTES 8192

/* The status that only we set. */
#define REPLY_NOT_MODIFIED 304

struct reply_header {
	const char *name;
	const char *value;
	bool is_ours;
};

struct reply {
	void *owner;
	int status;
	const char *content_type;
	struct reply_header headers[REPLY_HEADERS_MAX];
	size_t header_count;
	size_t header_bytes;
	struct buf body;
	bool goes_on;      /* the body has more parts than this one, and its length is not known */
	bool without_body; /* the response to a HEAD: the body is not sent, Content-Length is its
	                      own */
};

/* An empty 200 of application/json; what is added to it belongs to owner. */
void reply_init(struct reply *reply, void *owner);

/* Drops everything but without_body, so that another reply can be built. */
void reply_reset(struct reply *reply);

/* Begins a body of that media type (borrowed), in place of one that was begun before, whose headers
 * of ours go too. Headers of the handler stay. */
#define REPLY_JSON "application/json"
void reply_begin(struct reply *reply, const char *content_type);

/* Adds a copy of the header. Returns false with FAILURE_INTERNAL if the name is not one, if the
 * value has a control character (it could begin another header), or if there are too many headers
 * or too many bytes of them. */
NP_MUST_CHECK bool reply_add_header(struct reply *reply, const char *name, const char *value,
                                    struct error *err);

/* Adds a header of our own, which is known to be valid, or replaces the one of that name. Its
 * strings are borrowed. */
void reply_set_header(struct reply *reply, const char *name, const char *value);

/* Adds a copy of a header that was in a reply before, which has passed the limits of a handler
 * then. Returns false if it is not valid. */
NP_MUST_CHECK bool reply_restore_header(struct reply *reply, const char *name, const char *value);

/* A redirect has a Location and no content; neither have a 204 and a 304 (RFC 9110 8.6, 15.4.5). */
bool reply_is_redirect(int status);
bool reply_has_content(int status);

/* Returns true for a type and a subtype, perhaps with parameters (RFC 9110 8.3), of at most 255
 * bytes. */
bool reply_is_media_type(const char *type);

/* Returns true for a header that is written with each reply, such as Content-Length. */
bool reply_is_own_header(const char *name);

/* Returns the value of a header that was added, or NULL. */
const char *reply_header(const struct reply *reply, const char *name);

/* Writes "Status: 200 OK\r\n…\r\n\r\n", the form of CGI (RFC 3875 6.2). `first` is "Status:" or
 * "HTTP/1.1". `out` has room for REPLY_HEAD_MAX_BYTES. */
void reply_write_head(const struct reply *reply, const char *first, struct buf *out);

/* Returns the reason phrase of RFC 9110 15, "Client Error" for another 4xx, or "". */
const char *reply_reason(int status);

#endif
