/* param_row.h - what one row of a table of parameters says */
#ifndef NULLPOOL_HTTP_PARAM_ROW_H
#define NULLPOOL_HTTP_PARAM_ROW_H

#include "base/attributes.h"

/* "path", "query", "header", "body" */
extern const char *const param_places[NP_IN_BODY + 1];

/* Returns the parameter of that name, which needs no NUL, or NULL. `params` may be NULL. */
const struct np_param *param_find(const struct np_param *params, const char *name, size_t size);

/* Returns the number of rows. `params` may be NULL. */
size_t param_count(const struct np_param *params);

/* Returns true if the name is a field of the object of that name: "user.email" is inside "user". */
bool param_is_inside(const char *name, const char *object);

/* Return true if the row's min or max is a bound. Neither is if both are 0; max is none if it is 0
 * and min is above 0. */
bool param_has_min(const struct np_param *param);
bool param_has_max(const struct np_param *param);

#endif
