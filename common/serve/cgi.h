/* cgi.h - a request from CGI's meta-variables (RFC 3875), which is also how FastCGI brings it */
#ifndef NULLPOOL_SERVE_CGI_H
#define NULLPOOL_SERVE_CGI_H

#include "app/app.h"
#include "base/attributes.h"
#include "base/error.h"
#include "http/reply.h"
#include "http/request.h"

/* Reads up to size bytes of the body; less than size only when the stream has ended or failed. */
typedef size_t cgi_read(void *source, char *bytes, size_t size);

/* Fills the request; all belongs to owner. False: NP_MALFORMED or NP_TOO_LARGE, and the request has
 * what is needed to answer that (method and id). */
NP_MUST_CHECK bool cgi_request(void *owner, char *const *environment, cgi_read *read, void *source,
                               struct request *request, struct error *err);

/* The value of one meta-variable, or NULL. */
const char *cgi_variable(char *const *environment, const char *name);

/* A new request id: 32 hexadecimal digits, as nginx's $request_id. */
RETURNS_OWNED const char *cgi_new_id(void *owner);

/* Writes a reply to standard output, before_status at its very beginning and after_body where it
 * has a body. False, and a line in the log: not all of it could be written. */
bool cgi_print(void *scope, const struct reply *reply, const char *before_status,
               const char *after_body);

/* Answers the one request of this process's own environment and standard input. Returns the exit
 * code. */
int cgi_run(struct app *app);

#endif
