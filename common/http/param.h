/* param.h - from the request to typed, bounded values, as a route's table says */
#ifndef NULLPOOL_HTTP_PARAM_H
#define NULLPOOL_HTTP_PARAM_H

#include "base/attributes.h"
#include "base/buf.h"
#include "base/error.h"
#include "http/cursor.h"
#include "http/request.h"
#include "http/target.h"

#define PARAM_FAULTS_MAX 32

/* How the message of a value begins that is none of its choices. */
#define PARAM_CHOICES_PREFIX "must be one of:"

/* One broken rule, for the client: which parameter, and what it must be. */
struct param_fault {
	const char *in; /* path, query, header, body */
	const char *name;
	const char *message;
};

struct param_faults {
	struct param_fault items[PARAM_FAULTS_MAX];
	size_t count;
};

struct argument {
	struct np_value value;
	bool given;
	const char *cursor[CURSOR_KEYS_MAX]; /* of an NP_CURSOR */
	struct buf list;                     /* of a list: its text */
	int64_t list_count;
};

/* Decodes all parameters of the route into *arguments, an array in the order of its table. Every
 * fault is found: false is NP_INVALID with `faults` filled, or NP_MALFORMED or NP_MEDIA_TYPE for
 * the body as a whole. */
NP_MUST_CHECK bool param_decode(void *owner, const struct np_route *route,
                                const struct request *request, const struct target *target,
                                struct argument **arguments, struct param_faults *faults,
                                struct error *err);

/* Whether a text is a value of the type within the bounds: NULL, or what it must be. Made for one
 * value. */
const char *param_check(void *owner, const struct np_param *param, const char *text,
                        struct argument *argument);

/* A list, value by value: each must be one of the type within the bounds. NULL, or what it must be.
 * The value's text is an array as Postgres reads it; param_list_begin() makes the empty one,
 * param_list_add() does so too where there is none yet. */
const char *param_list_begin(void *owner, const struct np_param *param, struct argument *argument);
const char *param_list_add(void *owner, const struct np_param *param, const char *text,
                           struct argument *argument);

/* The one of that name (which needs no NUL) in a table; NULL: there is none. `params` may be NULL.
 */
const struct np_param *param_find(const struct np_param *params, const char *name, size_t size);

/* Whether it is a field inside the object of that name: "user.email" of "user". */
bool param_is_inside(const struct np_param *param, const char *object);

/* Whether min and max bound it: none when both are 0, and no max when only min is set and above 0.
 */
bool param_has_min(const struct np_param *param);
bool param_has_max(const struct np_param *param);

/* "path", "query", "header", "body" */
extern const char *const param_places[NP_BODY + 1];

#endif
