/* oauth2_error.h - what a token endpoint says when it gives no token (RFC 6749 5.2) */
#ifndef NULLPOOL_HTTP_OAUTH2_ERROR_H
#define NULLPOOL_HTTP_OAUTH2_ERROR_H

#include "base/attributes.h"
#include "http/param.h"
#include "http/reply.h"

/* Replaces whatever the reply held by {"error": …, "error_description": …}. What is the client's is
 * 400, but for a body that is too large and too many tries; what is ours has `status`. `detail` may
 * be NULL; `faults` (NULL or empty: none) take its place. */
void oauth2_error_write(struct reply *reply, enum np_failure kind, int status, const char *detail,
                        const struct param_faults *faults);

#endif
