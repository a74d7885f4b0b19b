#include "http/param_row.h"

const char *const param_places[NP_IN_BODY + 1] = {
	[NP_IN_PATH] = "path",
	[NP_IN_QUERY] = "query",
	[NP_IN_HEADER] = "header",
	[NP_IN_BODY] = "body",
};

const struct np_param *
param_find(const struct np_param *params, const char *name, size_t size)
{
	for (; params && params->name; params++)
		if (strncmp(params->name, name, size) == 0 && !params->name[size])
			return params;
	return NULL;
}

size_t
param_count(const struct np_param *params)
{
	size_t count = 0;

	while (params && params[count].name)
		count++;
	return count;
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
