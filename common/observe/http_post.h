/* http_post.h - one HTTP POST at a time, beside other descriptors, by libcurl
 *
 * libcurl is loaded when this is opened, and so in no process but the one that sends: linked, it
 * and eight libraries of its own would be mapped in every worker, for what few use.
 */
#ifndef NULLPOOL_OBSERVE_HTTP_POST_H
#define NULLPOOL_OBSERVE_HTTP_POST_H

#include "base/attributes.h"
#include "base/error.h"

struct http_post;

struct http_post_options {
	const char *url;            /* http or https; the server's certificate is verified */
	const char *const *headers; /* "Name: value", ends with NULL */
	int64_t timeout_ms;         /* of one POST, connecting included */
};

/* False: libcurl is not there, or not usable. Options are borrowed. */
NP_MUST_CHECK bool http_post_open(void *owner, const struct http_post_options *options,
                                  struct http_post **post, struct error *err);

/* Begins one; the body is borrowed until it has ended. */
void http_post_begin(struct http_post *post, const char *body, size_t size);

enum http_post_state {
	HTTP_POST_IDLE, /* none was begun, or its end was told */
	HTTP_POST_GOING,
	HTTP_POST_DONE,  /* 2xx */
	HTTP_POST_LATER, /* may succeed later: no connection, no answer in time, 408, 429, 502, 503,
	                    504 */
	HTTP_POST_REFUSED, /* will not: any other status */
};

/* Goes on, and waits up to timeout_ms for that or for one of the descriptors to be readable. Tells
 * an end once; why not is in err for HTTP_POST_LATER and HTTP_POST_REFUSED. */
enum http_post_state http_post_step(struct http_post *post, const int *fds, size_t count,
                                    int timeout_ms, struct error *err);

#endif
