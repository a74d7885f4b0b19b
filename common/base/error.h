/* error.h - what went wrong, once, where it is known
 *
 * A fallible function returns bool and has `struct error *` last; the error is filled exactly when
 * it returns false. `message` may be shown to a client (for NP_INTERNAL it is not); `detail` is for
 * the log only. The storage is the caller's and holds no pointers, so an error outlives whatever it
 * is about.
 */
#ifndef NULLPOOL_BASE_ERROR_H
#define NULLPOOL_BASE_ERROR_H

#include "base/attributes.h"

/* What a client is told of two transactions that got in each other's way. */
#define ERROR_CONFLICT "The request conflicts with another one"

struct error {
	enum np_failure kind;
	int status;        /* 0: the kind's own; else a 4xx that a function in the database chose */
	int retry_after_s; /* 0: the kind's own default */
	char sqlstate[6];  /* what Postgres said, or "" */
	char constraint[64]; /* the one that refused a row, or "" */
	char message[256];
	char detail[768];
};

/* error_set() fills it, error_detail() adds what only the log should see to one that is set. Both
 * are false, to be returned at once (macros, so that a static analyzer sees that too). A text that
 * is too long is cut. */
#define error_set(err, kind, ...) (error_fill(err, kind, __VA_ARGS__), false)
#define error_detail(err, ...)    (error_fill_detail(err, __VA_ARGS__), false)

/* NP_INTERNAL, of which only the log sees what it is. */
#define error_internal(err, ...) \
	(error_fill(err, NP_INTERNAL, "Internal error"), error_detail(err, __VA_ARGS__))

void error_fill(struct error *err, enum np_failure kind, const char *format, ...) NP_PRINTF(3, 4);
void error_fill_detail(struct error *err, const char *format, ...) NP_PRINTF(2, 3);

#endif
