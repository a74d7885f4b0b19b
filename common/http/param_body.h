/* param_body.h - the parameters in a request's body, which is JSON or a form */
#ifndef NULLPOOL_HTTP_PARAM_BODY_H
#define NULLPOOL_HTTP_PARAM_BODY_H

#include "http/decoder.h"
#include "http/request.h"

/* Decodes the body if the route has parameters in it; reads nothing otherwise, as FastAPI does. An
 * invalid value is a fault of the decoder. Returns false for the body as a whole:
 * FAILURE_MALFORMED, FAILURE_MEDIA_TYPE, or FAILURE_INVALID if it is JSON but not an object. */
NP_MUST_CHECK bool param_body_decode(struct decoder *decoder, const struct np_route *route,
                                     const struct request *request, struct error *err);

#endif
