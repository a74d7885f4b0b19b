/* cgi.h - a request from CGI's meta-variables (RFC 3875), which FastCGI uses too */
#ifndef NULLPOOL_SERVE_CGI_H
#define NULLPOOL_SERVE_CGI_H

#include "app/app.h"
#include "base/attributes.h"
#include "base/error.h"
#include "http/reply.h"
#include "http/request.h"

/* Reads up to `size` bytes of the body. Returns less only if the stream has ended or failed. */
typedef size_t cgi_read(void *source, char *bytes, size_t size);

struct cgi_body {
	cgi_read *read;
	void *source;
	size_t max; /* a larger one is refused, and not read */
};

/* Fills the request; everything in it belongs to owner. Returns false with FAILURE_MALFORMED or
 * FAILURE_TOO_LARGE; the request then has the method and the id, which are needed to answer that.
 */
NP_MUST_CHECK bool cgi_request(void *owner, char *const *environment, const struct cgi_body *body,
                               struct request *request, struct error *err);

/* Returns the value of a meta-variable, or NULL. */
const char *cgi_variable(char *const *environment, const char *name);

/* Returns a new request id: 32 hexadecimal digits, as nginx's $request_id. */
RETURNS_OWNED const char *cgi_new_id(void *owner);

/* Writes the reply of an exchange to standard output, with before_status at its very beginning, and
 * after_body after the body if there is one. Returns false (logged) if not all of it could be made
 * or written. */
bool cgi_print(void *scope, struct np_ctx *ctx, const char *before_status, const char *after_body);

/* Answers the one request of this process's environment and standard input. Returns the exit
 * code. */
int cgi_run(struct app *app);

#endif
