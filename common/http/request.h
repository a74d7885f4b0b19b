/* request.h - a request as plain data, independent of the protocol that delivered it */
#ifndef NULLPOOL_HTTP_REQUEST_H
#define NULLPOOL_HTTP_REQUEST_H

#include "base/attributes.h"
#include "base/error.h"

/* What a body may have, as nginx's client_max_body_size says too, and what a route may raise it to
 * (.body_max). The whole body is in memory. */
#define REQUEST_BODY_MAX_BYTES   (1 << 20)
#define REQUEST_BODY_LIMIT_BYTES (64 << 20)

struct request_header {
	const char *name; /* lower case, with dashes */
	const char *value;
};

struct request {
	const char *method;
	const char *target;  /* as the client sent it: raw path, ? and raw query */
	int64_t start_us;    /* when it began to arrive, by clock_now_us() */
	int64_t queue_ms;    /* how long it waited for a worker; -1: unknown */
	const int *client;   /* a descriptor that hangs up when the client leaves; NULL: none */
	bool is_old_http;    /* HTTP/1.0 or 0.9, which have no chunks */
	bool shows_break;    /* the client notices if a reply without a length breaks off */
	const char *address; /* the client's; NULL: unknown */
	const char *id;      /* 1 to 64 letters, digits and dashes */
	const struct request_header *headers;
	size_t header_count;
	const char *body;
	size_t body_size;
};

/* Fills err with FAILURE_TOO_LARGE. Returns false. */
bool request_body_too_large(struct error *err, size_t max);

/* Returns the value of the header, or NULL. */
const char *request_header(const struct request *request, const char *name);

/* Returns true if the body has a Content-Encoding other than `identity`, such as gzip (RFC 9110
 * 8.4). */
bool request_is_encoded(const struct request *request);

/* Returns the network that counts as one client, which belongs to owner: an IPv4 address (also one
 * that is mapped to IPv6), or the /64 of an IPv6 address, all of which belongs to one customer.
 * Returns NULL if the text is not an address. */
const char *request_network(void *owner, const char *address);

#endif
