/* decoder.h - the parameters of one request while they are decoded: what was found so far, and what
 * is wrong with it */
#ifndef NULLPOOL_HTTP_DECODER_H
#define NULLPOOL_HTTP_DECODER_H

#include "http/param_check.h"
#include "http/param_faults.h"

/* The fault of a name in the body that no parameter has. */
#define DECODER_UNKNOWN_FIELD "is not a field that can be set here"

struct decoder {
	void *owner;
	const struct np_params *params; /* the route's; may be NULL */
	struct argument *arguments;     /* in the same order */
	struct param_faults *faults;
	bool lenient; /* unknown names are ignored */
};

/* Records a broken rule. A long name is cut. */
void decoder_add_fault(struct decoder *decoder, enum np_in in, const char *name,
                       const char *message);

/* Returns the argument of the parameter of that place and name, or NULL. */
struct argument *decoder_find(const struct decoder *decoder, enum np_in in, const char *name);

/* Checks the text and makes it the argument's value, or records what is wrong with it. Either way
 * the parameter counts as given. */
void decoder_set(struct decoder *decoder, struct argument *argument, const char *text);

#endif
