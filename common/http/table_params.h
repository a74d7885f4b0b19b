/* table_params.h - what may be wrong with the parameters, the body and the schemas of a route, for
 * table.h
 *
 * Each function returns what is wrong, as the end of a sentence about the route, or NULL. What is
 * made belongs to owner.
 */
#ifndef NULLPOOL_HTTP_TABLE_PARAMS_H
#define NULLPOOL_HTTP_TABLE_PARAMS_H

#include "base/attributes.h"

const char *table_params_fault(void *owner, const struct np_route *route);
const char *table_body_fault(const struct np_route *route);

/* Of a row that is NULL or has no name, on which everything else relies. */
const char *table_list_fault(const struct np_params *params);

/* Of member `at` of a schema. */
const char *table_member_fault(void *owner, const struct np_params *members, size_t at);

bool table_has_null(const struct np_names *names);

#endif
