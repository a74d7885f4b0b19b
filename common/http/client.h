/* client.h - HTTP requests to other services, by libcurl, one at a time, while other descriptors
 * are watched
 *
 * libcurl is loaded by http_client_open(), so only a process that sends requests has it. If
 * programs were linked with it, every worker would map it and eight more libraries, for features
 * that few use. A redirect is not followed.
 */
#ifndef NULLPOOL_HTTP_CLIENT_H
#define NULLPOOL_HTTP_CLIENT_H

#include "base/attributes.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"

struct addresses;
struct http_client;

/* Returns false if libcurl is missing or cannot be used. */
NP_MUST_CHECK bool http_client_open(void *owner, struct http_client **client, struct error *err);

/* Returns the host name or the address of a URL, as libcurl reads it, or NULL if it is no URL, or
 * one with a user, a zone of an IPv6 address, or a name that is not ASCII. */
const char *http_client_host(void *owner, const char *url);

struct http_client_request {
	const char *method;         /* NULL: POST with a body, else GET */
	const char *url;            /* http or https; the server's certificate is verified */
	const char *const *headers; /* "Name: value" or "Name;" without one, ends with NULL */
	const char *content_type;   /* of the body; NULL: JSON */
	const char *user_agent;
	const char *body; /* NULL: none */
	size_t size;
	int64_t timeout_ms;        /* with connecting */
	struct buf *response;      /* gets the response's body; NULL: nobody reads it */
	struct buf *response_head; /* gets status line and headers, as they came; NULL: as above */
	const char *ca_file;       /* in place of the system's certificates; NULL: those */
	/* A descriptor that hangs up when nobody waits for the response any longer; NULL: none. */
	const int *client;
	/* On a connection of its own, by HTTP/1.1: else libcurl sends a request again if a
	 * connection that it kept has just been closed. */
	bool alone;
	/* Those of the URL's host, for a process that libcurl's resolver would not work in, and
	 * then no proxy is used. NULL: libcurl asks, and knows https_proxy and the like. */
	const struct addresses *addresses;
};

/* Begins a request, which is borrowed until it has ended. */
void http_client_begin(struct http_client *client, const struct http_client_request *request);

enum http_client_state {
	HTTP_CLIENT_IDLE, /* none was begun, or its end was returned */
	HTTP_CLIENT_GOING,
	HTTP_CLIENT_ANSWERED,
	HTTP_CLIENT_FAILED, /* there was no response in time, or it did not fit its buffer */
};

/* Ends a request that has not ended; without one it does nothing. */
void http_client_cancel(struct http_client *client);

/* Does a request from its beginning to its end. Fails with FAILURE_CLIENT_GONE if that hung up, and
 * with FAILURE_UNAVAILABLE if there is no response until the deadline, or none that fits. */
NP_MUST_CHECK bool http_client_run(struct http_client *client,
                                   const struct http_client_request *request,
                                   struct deadline deadline, long *status, struct error *err);

/* Continues the request, and waits up to timeout_ms for it or until one of the descriptors is
 * readable. Returns the end of a request once, with the status of HTTP_CLIENT_ANSWERED, or the
 * reason of HTTP_CLIENT_FAILED in err. */
enum http_client_state http_client_step(struct http_client *client, const int *fds, size_t count,
                                        int timeout_ms, long *status, struct error *err);

#endif
