/* route.h - what one row of a table of routes says */
#ifndef NULLPOOL_HTTP_ROUTE_H
#define NULLPOOL_HTTP_ROUTE_H

#include "base/attributes.h"

bool route_has_method(const struct np_route *route, const char *method);

/* Returns true if the route has a parameter in that place. */
bool route_has_param_in(const struct np_route *route, enum np_in place);

/* Returns true if the route obeys an Idempotency-Key. */
bool route_takes_idempotency_key(const struct np_route *route);

/* Returns true if a row of the table is a GET of the path. */
bool route_path_has_get(const struct np_route *routes, const char *path);

#endif
