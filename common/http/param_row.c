#include "http/param_row.h"

const char *const param_places[NP_IN_COOKIE + 1] = {
	[NP_IN_PATH] = "path", [NP_IN_QUERY] = "query",   [NP_IN_HEADER] = "header",
	[NP_IN_BODY] = "body", [NP_IN_COOKIE] = "cookie",
};

size_t
param_find(const struct np_params *params, const char *name, size_t size)
{
	for (size_t i = 0; i < param_count(params); i++)
		if (strncmp(params->items[i]->name, name, size) == 0
		    && !params->items[i]->name[size])
			return i;
	return PARAM_NONE;
}

bool
param_is_inside(const char *name, const char *object)
{
	size_t size = strlen(object);

	return strncmp(name, object, size) == 0 && name[size] == '.';
}

bool
param_has_min(const struct np_param *param)
{
	return param->min != 0 || param->max != 0;
}

bool
param_has_max(const struct np_param *param)
{
	return param->max != 0 || param->min < 0;
}
