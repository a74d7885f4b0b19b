/* problem.h - everything that is not a success, as application/problem+json (RFC 9457) */
#ifndef NULLPOOL_HTTP_PROBLEM_H
#define NULLPOOL_HTTP_PROBLEM_H

#include "base/attributes.h"
#include "http/param.h"
#include "http/reply.h"

/* Details that the code which answers and the OpenAPI document have in common. */
#define PROBLEM_NO_TOKEN       "A token is needed"
#define PROBLEM_NOT_YOURS      "This is another user's"
#define PROBLEM_NOT_FOUND      "Not found"
#define PROBLEM_CONFLICT       ERROR_CONFLICT
#define PROBLEM_CHANGED        "What is at this path has changed: GET it again for its ETag"
#define PROBLEM_NEEDS_IF_MATCH "If-Match is needed here, with the ETag of a GET of this path"

struct problem {
	int status;
	const char *detail; /* NULL: left out */
	const char *request_id;
	const struct param_faults *faults; /* NULL or empty: left out */
	bool outcome_unknown;
};

/* Replaces whatever the reply held. */
void problem_write(struct reply *reply, const struct problem *problem);

#endif
