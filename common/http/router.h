/* router.h - from method and path to a row of the program's table */
#ifndef NULLPOOL_HTTP_ROUTER_H
#define NULLPOOL_HTTP_ROUTER_H

#include "base/attributes.h"
#include "base/error.h"
#include "http/route.h"
#include "http/target.h"

/* The methods that a route may have; ends with NULL. */
extern const char *const router_methods[];

/* Room for an Allow header with every method. */
#define ROUTER_ALLOW_BYTES 64

/* Finds the first row that has the method and matches the path; HEAD finds GET. Returns false with
 * FAILURE_NOT_FOUND if no row matches the path, or with FAILURE_METHOD if only the method differs.
 * `allow` is then the methods of the path, separated by commas (OPTIONS is answered with it); else
 * it is "".
 */
NP_MUST_CHECK bool router_find(const struct route_table *table, const char *method,
                               const struct target *target, const struct np_route **route,
                               char allow[ROUTER_ALLOW_BYTES], struct error *err);

/* Returns the segment of the target at {name} in the route's path, or NULL. */
const char *router_segment(const struct np_route *route, const struct target *target,
                           const char *name);

/* Returns how many {name} segments a path has. */
size_t router_count_names(const char *path);

/* Returns true if the path has a segment {name} of that name. */
bool router_has_name(const char *path, const char *name);

#endif
