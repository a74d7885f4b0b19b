/* router.h - from method and path to a row of the program's table */
#ifndef NULLPOOL_HTTP_ROUTER_H
#define NULLPOOL_HTTP_ROUTER_H

#include "base/attributes.h"
#include "base/error.h"
#include "http/target.h"

/* A method that is not one of these is an unknown one: 405, never guessed at. */
#define ROUTER_ALLOW_BYTES 64

/* Finds the first row whose path and method fit; HEAD is found as GET. False: NP_NOT_FOUND when no
 * path fits, NP_METHOD when only the method does not: then `allow` has the methods of the path,
 * comma separated ("OPTIONS" is answered from it). Otherwise it is "". */
NP_MUST_CHECK bool router_find(const struct np_route *routes, const char *method,
                               const struct target *target, const struct np_route **route,
                               char allow[ROUTER_ALLOW_BYTES], struct error *err);

/* The segment of the target that stands where the route's path has {name}, or NULL. */
const char *router_segment(const struct np_route *route, const struct target *target,
                           const char *name);

/* How many {name} segments a path has, and whether it has that one. */
size_t router_count_names(const char *path);
bool router_has_name(const char *path, const char *name);

/* The methods a route may have; ends with NULL. */
extern const char *const router_methods[];

#endif
