/* param_row.h - the parameters of a route, and what one of them says */
#ifndef NULLPOOL_HTTP_PARAM_ROW_H
#define NULLPOOL_HTTP_PARAM_ROW_H

#include "base/attributes.h"

/* "path", "query", "header", "body", "cookie" */
extern const char *const param_places[NP_IN_COOKIE + 1];

/* The index of a parameter that is not in the list. */
#define PARAM_NONE SIZE_MAX

/* Returns how many there are. `params` may be NULL, here and below. */
static inline size_t
param_count(const struct np_params *params)
{
	return params ? params->count : 0;
}

/* Returns the index of that object, or PARAM_NONE. */
static inline size_t
param_index(const struct np_params *params, const struct np_param *param)
{
	for (size_t i = 0; i < param_count(params); i++)
		if (params->items[i] == param)
			return i;
	return PARAM_NONE;
}

/* Returns the index of the first parameter of that name, which needs no NUL, or PARAM_NONE. */
size_t param_find(const struct np_params *params, const char *name, size_t size);

/* Returns true if the name is a field of the object of that name: "user.email" is inside "user". */
bool param_is_inside(const char *name, const char *object);

/* Return true if the parameter's min or max is a bound. If both are 0, neither is; if only max is 0
 * and min is above 0, max is not. */
bool param_has_min(const struct np_param *param);
bool param_has_max(const struct np_param *param);

#endif
