#include "http/route.h"

#include "http/param_row.h"
#include "http/reply.h"
#include "http/request.h"

bool
route_has_method(const struct np_route *route, const char *method)
{
	return strcmp(route->method, method) == 0;
}

bool
route_has_param_in(const struct np_route *route, enum np_in place)
{
	for (size_t i = 0; i < param_count(route->params); i++)
		if (route->params->items[i]->in == place)
			return true;
	return false;
}

bool
route_takes_idempotency_key(const struct np_route *route)
{
	return route_has_method(route, "POST") && route->tx == NP_TX_WRITE;
}

bool
route_is_success(enum np_status status)
{
	return status == NP_STATUS_OK || status == NP_STATUS_CREATED || status == NP_STATUS_ACCEPTED
	       || status == NP_STATUS_NO_CONTENT || reply_is_redirect((int)status);
}

enum np_status
route_success(const struct np_route *route)
{
	if (route->success)
		return route->success;
	if (route_has_method(route, "DELETE"))
		return NP_STATUS_NO_CONTENT;
	return route_takes_idempotency_key(route) ? NP_STATUS_CREATED : NP_STATUS_OK;
}

bool
route_path_has_get(const struct route_table *table, const char *path)
{
	for (size_t i = 0; i < table->count; i++)
		if (route_has_method(&table->items[i], "GET")
		    && strcmp(table->items[i].path, path) == 0)
			return true;
	return false;
}

size_t
route_body_max(const struct np_route *route)
{
	return route->body_max > 0 ? (size_t)route->body_max : REQUEST_BODY_MAX_BYTES;
}

size_t
route_table_body_max(const struct route_table *table)
{
	size_t most = REQUEST_BODY_MAX_BYTES;

	for (size_t i = 0; i < table->count; i++)
		if (route_body_max(&table->items[i]) > most)
			most = route_body_max(&table->items[i]);
	return most;
}
