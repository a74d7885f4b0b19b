/* problem.h - every response that is not a success, as application/problem+json (RFC 9457) */
#ifndef NULLPOOL_HTTP_PROBLEM_H
#define NULLPOOL_HTTP_PROBLEM_H

#include "base/attributes.h"
#include "http/param_faults.h"
#include "http/reply.h"

/* Details that both the code and its OpenAPI document use. */
#define PROBLEM_NO_TOKEN       "An access token is required"
#define PROBLEM_NO_KEY         "An API key is required"
#define PROBLEM_NO_SCOPE       "The token does not grant the scope \"%s\""
#define PROBLEM_NOT_YOURS      "This belongs to another user"
#define PROBLEM_NOT_FOUND      "Not found"
#define PROBLEM_CONFLICT       ERROR_CONFLICT
#define PROBLEM_CHANGED        "The resource has changed: GET this path again for its ETag"
#define PROBLEM_NEEDS_IF_MATCH "If-Match is required, with the ETag of a GET of this path"

struct problem {
	int status;
	const char *detail; /* NULL: left out */
	const char *request_id;
	const struct param_faults *faults; /* NULL or empty: left out */
	bool outcome_unknown;
};

/* Replaces the reply. */
void problem_write(struct reply *reply, const struct problem *problem);

#endif
