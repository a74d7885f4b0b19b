#include "http/route.h"

bool
route_has_method(const struct np_route *route, const char *method)
{
	return strcmp(route->method, method) == 0;
}

bool
route_has_param_in(const struct np_route *route, enum np_in place)
{
	for (const struct np_param *param = route->params; param && param->name; param++)
		if (param->in == place)
			return true;
	return false;
}

bool
route_takes_idempotency_key(const struct np_route *route)
{
	return route_has_method(route, "POST") && route->tx == NP_TX_WRITE;
}

bool
route_path_has_get(const struct np_route *routes, const char *path)
{
	for (; routes->method; routes++)
		if (route_has_method(routes, "GET") && strcmp(routes->path, path) == 0)
			return true;
	return false;
}
