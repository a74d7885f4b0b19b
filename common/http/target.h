/* target.h - the path and query of a request, split first and then percent-decoded once
 *
 * Ours, because a second decoding anywhere (nginx's, a library's) turns %252e into a dot segment.
 */
#ifndef NULLPOOL_HTTP_TARGET_H
#define NULLPOOL_HTTP_TARGET_H

#include "base/attributes.h"
#include "base/error.h"

#define TARGET_SEGMENTS_MAX 16
#define TARGET_QUERY_MAX    64

struct target_pair {
	const char *name;
	const char *value;
};

struct target {
	const char *segments[TARGET_SEGMENTS_MAX]; /* "/" has none; "/users/" has "users" and "" */
	size_t segment_count;
	struct target_pair query[TARGET_QUERY_MAX];
	size_t query_count;
};

/* The texts belong to owner. Returns false with FAILURE_MALFORMED: an invalid %XX, a NUL, a control
 * character in the path, invalid UTF-8, a dot segment, too many segments or parameters. */
NP_MUST_CHECK bool target_parse(void *owner, const char *text, struct target *target,
                                struct error *err);

/* Removes the segments of a prefix such as "/api/v1" from the start of the path, if it has them. */
void target_strip(struct target *target, const char *prefix);

/* Parses a body of application/x-www-form-urlencoded as if it were a query. */
NP_MUST_CHECK bool target_parse_form(void *owner, const char *text, struct target *target,
                                     struct error *err);

#endif
