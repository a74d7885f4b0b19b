/* param_check.h - checks one text against one row: is it of the type, and within the bounds */
#ifndef NULLPOOL_HTTP_PARAM_CHECK_H
#define NULLPOOL_HTTP_PARAM_CHECK_H

#include "base/attributes.h"
#include "base/buf.h"
#include "http/cursor.h"

/* The message for a value that is not one of its choices begins so. */
#define PARAM_CHOICES_PREFIX "must be one of:"

/* The value of one parameter of a request. */
struct argument {
	const struct np_param *param;
	struct np_value value;
	bool given;                          /* the request named the parameter */
	const char *cursor[CURSOR_KEYS_MAX]; /* the keys of an NP_TYPE_CURSOR */
	struct buf list;                     /* the text of a list, see param_list.h */
	int64_t list_count;
	struct np_file *files; /* of an NP_TYPE_FILE */
	size_t file_count;
};

/* Sets the argument's value. Returns NULL if the text is a value of the row's type within its
 * bounds, or what it must be ("must be …"). For one value, not a list. The value's text is
 * canonical where its type allows it: a UUID is in lower case, an integer has no leading zeros. */
const char *param_check(void *owner, const struct np_param *param, const char *text,
                        struct argument *argument);

#endif
