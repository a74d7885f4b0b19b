/* route.h - a program's table of routes, and what one row says */
#ifndef NULLPOOL_HTTP_ROUTE_H
#define NULLPOOL_HTTP_ROUTE_H

#include "base/attributes.h"

struct route_table {
	const struct np_route *items;
	size_t count;
};

/* Returns where the table ends, behind its last row. */
static inline const struct np_route *
route_table_end(const struct route_table *table)
{
	return table->items + table->count;
}

bool route_has_method(const struct np_route *route, const char *method);

/* Returns true if the route has a parameter in that place. */
bool route_has_param_in(const struct np_route *route, enum np_in place);

/* Returns true if the route obeys an Idempotency-Key. */
bool route_takes_idempotency_key(const struct np_route *route);

/* Returns true if it is one of enum np_status: another number would be sent as it is. */
bool route_is_success(enum np_status status);

/* Returns the most bytes that its body may have, and that any of the table may. */
size_t route_body_max(const struct np_route *route);
size_t route_table_body_max(const struct route_table *table);

/* Returns the status of a success. */
enum np_status route_success(const struct np_route *route);

/* Returns true if a row of the table is a GET of the path. */
bool route_path_has_get(const struct route_table *table, const char *path);

#endif
