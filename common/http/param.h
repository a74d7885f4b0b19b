/* param.h - from a request to typed, bounded values, by the table of its route */
#ifndef NULLPOOL_HTTP_PARAM_H
#define NULLPOOL_HTTP_PARAM_H

#include "base/attributes.h"
#include "base/error.h"
#include "http/param_check.h"
#include "http/param_faults.h"
#include "http/request.h"
#include "http/target.h"

/* Decodes all parameters of the route into *arguments, an array in the order of its params that
 * belongs to owner. Finds every fault at once. Returns false with FAILURE_INVALID and `faults`
 * filled, or with FAILURE_MALFORMED, FAILURE_MEDIA_TYPE or FAILURE_INVALID for the body as a whole.
 */
NP_MUST_CHECK bool param_decode(void *owner, const struct np_route *route,
                                const struct request *request, const struct target *target,
                                struct argument **arguments, struct param_faults *faults,
                                struct error *err);

#endif
