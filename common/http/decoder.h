/* decoder.h - the parameters of one request while they are decoded: what was found so far, and what
 * is wrong with it */
#ifndef NULLPOOL_HTTP_DECODER_H
#define NULLPOOL_HTTP_DECODER_H

#include "http/param_check.h"
#include "http/param_faults.h"

struct decoder {
	void *owner;
	const struct np_param *params; /* the route's table; not NULL */
	struct argument *arguments;    /* in the order of the table */
	struct param_faults *faults;
	bool lenient; /* unknown names are ignored */
};

/* Records a broken rule. A long name is cut. */
void decoder_add_fault(struct decoder *decoder, enum np_in in, const char *name,
                       const char *message);

/* Returns the parameter of that place and name, or NULL. */
const struct np_param *decoder_find(const struct decoder *decoder, enum np_in in, const char *name);

struct argument *decoder_argument(const struct decoder *decoder, const struct np_param *param);

/* Checks the text and makes it the parameter's value, or records what is wrong with it. Either way
 * the parameter counts as given. */
void decoder_set(struct decoder *decoder, const struct np_param *param, const char *text);

#endif
