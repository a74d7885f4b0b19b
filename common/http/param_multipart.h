/* param_multipart.h - the parameters in a body of multipart/form-data: fields and files */
#ifndef NULLPOOL_HTTP_PARAM_MULTIPART_H
#define NULLPOOL_HTTP_PARAM_MULTIPART_H

#include "http/decoder.h"
#include "http/request.h"

/* An invalid value is a fault of the decoder. Returns false for the body as a whole, with
 * FAILURE_MEDIA_TYPE or FAILURE_MALFORMED. Files refer to the body. */
NP_MUST_CHECK bool param_multipart_decode(struct decoder *decoder, const struct request *request,
                                          const char *type, struct error *err);

/* Returns the bytes as Postgres reads a bytea, \x and hexadecimal digits. */
const char *param_bytea(void *owner, const void *bytes, size_t size);

#endif
