/* fetch.h - requests of a handler to other services: np_fetch() */
#ifndef NULLPOOL_APP_FETCH_H
#define NULLPOOL_APP_FETCH_H

#include "base/attributes.h"
#include "http/route.h"

/* Returns true if a route of the program fetches, so that libcurl is needed. */
bool fetch_is_used(const struct route_table *routes);

#endif
