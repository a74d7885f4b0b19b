/* http_post.h - sends one HTTP POST at a time with libcurl, while other descriptors are watched
 *
 * libcurl is loaded by http_post_open(), so only the process that sends has it. If programs were
 * linked with it, every worker would map it and eight more libraries, for a feature that few use.
 */
#ifndef NULLPOOL_OBSERVE_HTTP_POST_H
#define NULLPOOL_OBSERVE_HTTP_POST_H

#include "base/attributes.h"
#include "base/error.h"

struct http_post;

struct http_post_options {
	const char *url;            /* http or https; the server's certificate is verified */
	const char *const *headers; /* "Name: value", ends with NULL */
	int64_t timeout_ms;         /* of one POST, with connecting */
};

/* Returns false if libcurl is missing or cannot be used. The options are borrowed. */
NP_MUST_CHECK bool http_post_open(void *owner, const struct http_post_options *options,
                                  struct http_post **post, struct error *err);

/* Begins a POST. The body is borrowed until the POST has ended. */
void http_post_begin(struct http_post *post, const char *body, size_t size);

enum http_post_state {
	HTTP_POST_IDLE, /* none was begun, or its end was returned */
	HTTP_POST_GOING,
	HTTP_POST_DONE,    /* 2xx */
	HTTP_POST_LATER,   /* may succeed later: no connection, no response in time, 408, 429, 502,
	                      503, 504 */
	HTTP_POST_REFUSED, /* any other status */
};

/* Continues the POST, and waits up to timeout_ms for it or until one of the descriptors is
 * readable. Returns the end of a POST once, with the reason in err for HTTP_POST_LATER and
 * HTTP_POST_REFUSED. */
enum http_post_state http_post_step(struct http_post *post, const int *fds, size_t count,
                                    int timeout_ms, struct error *err);

#endif
