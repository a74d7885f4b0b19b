/* oauth2_error.h - the error response of a token endpoint (RFC 6749 5.2) */
#ifndef NULLPOOL_HTTP_OAUTH2_ERROR_H
#define NULLPOOL_HTTP_OAUTH2_ERROR_H

#include "base/attributes.h"
#include "http/param_faults.h"
#include "http/reply.h"

/* Replaces the reply by {"error": …, "error_description": …}. An error of the client is a 400,
 * except for a body that is too large and for too many tries; other errors keep `status`. `detail`
 * may be NULL. `faults` replace it unless they are NULL or empty. */
void oauth2_error_write(struct reply *reply, enum failure kind, int status, const char *detail,
                        const struct param_faults *faults);

#endif
