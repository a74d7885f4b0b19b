/* param_list.h - several values of one parameter, as a Postgres array
 *
 * The argument's text is an array that Postgres can read after each call. Both functions return
 * NULL, or what the list or its item must be ("must be …").
 */
#ifndef NULLPOOL_HTTP_PARAM_LIST_H
#define NULLPOOL_HTTP_PARAM_LIST_H

#include "http/param_check.h"

/* The message for an item of a list begins so; what the item must be follows. */
#define PARAM_EACH_ITEM "each item "

/* Makes the argument an empty list. */
const char *param_list_begin(void *owner, const struct np_param *param, struct argument *argument);

/* Appends a value, which must be of the row's type and within its bounds. Begins the list if
 * nothing has. */
const char *param_list_add(void *owner, const struct np_param *param, const char *text,
                           struct argument *argument);

#endif
