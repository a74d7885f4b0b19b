/* request.h - a request as plain data, whoever received it */
#ifndef NULLPOOL_HTTP_REQUEST_H
#define NULLPOOL_HTTP_REQUEST_H

#include "base/attributes.h"

/* As nginx's client_max_body_size; a body lives in memory as a whole. */
#define REQUEST_BODY_MAX_BYTES (1 << 20)

struct request_header {
	const char *name; /* lower case, with dashes */
	const char *value;
};

struct request {
	const char *method;
	const char *target; /* as the client sent it: raw path, ? and raw query */
	int64_t start_us;   /* of clock_now_us(): when it began to arrive */
	int64_t queue_ms;   /* it waited for a worker; -1: nobody said */
	const int
	    *client; /* a descriptor that hangs up when the client leaves; NULL: there is none */
	const char *address; /* that it comes from; NULL: nobody said */
	const char *id;      /* 1 to 64 of letters, digits, dashes */
	const struct request_header *headers;
	size_t header_count;
	const char *body;
	size_t body_size;
};

const char *request_header(const struct request *request, const char *name); /* or NULL */

/* Whether its body is said to be in another coding than `identity`, such as gzip (RFC 9110 8.4). */
bool request_is_encoded(const struct request *request);

/* What counts as one client: an IPv4 address, also of one written as IPv6, or the /64 of an IPv6
 * one, which one customer has all of. Belongs to owner. NULL: it is no address. */
const char *request_network(void *owner, const char *address);

#endif
