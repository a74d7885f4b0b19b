/* table.h - what is wrong with a program's table of routes, found when it starts and not by its
 * clients */
#ifndef NULLPOOL_HTTP_TABLE_H
#define NULLPOOL_HTTP_TABLE_H

#include "base/attributes.h"

/* Keys that one route may invalidate. */
#define TABLE_INVALIDATES_MAX 15

/* Of the program of that name: NULL, or a sentence for the handler's author; it belongs to owner.
 */
const char *table_fault(void *owner, const char *name, const struct np_route *routes);

#endif
