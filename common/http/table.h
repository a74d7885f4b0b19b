/* table.h - checks a program's table of routes when the program starts, so that its clients do not
 * find the errors */
#ifndef NULLPOOL_HTTP_TABLE_H
#define NULLPOOL_HTTP_TABLE_H

#include "base/attributes.h"
#include "http/route.h"

/* The parameters of one route. np_arg() looks for its own among them. */
#define TABLE_PARAMS_MAX 64

/* Keys that one route may invalidate. */
#define TABLE_INVALIDATES_MAX 15

/* Returns NULL, or what is wrong with the table of the program `name`: a sentence for the handler's
 * author, which belongs to owner. */
const char *table_fault(void *owner, const char *name, const struct route_table *table);

#endif
