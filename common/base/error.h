/* error.h - what went wrong, once, where it is known
 *
 * A fallible function returns bool and has `struct error *` last; the error is filled exactly when it returns
 * false. `message` may be shown to a client (for NP_INTERNAL it is not); `detail` is for the log only.
 * The storage is the caller's and holds no pointers, so an error outlives whatever it is about.
 */
#ifndef NULLPOOL_BASE_ERROR_H
#define NULLPOOL_BASE_ERROR_H

#include "base/attributes.h"

struct error {
	enum np_failure kind;
	int retry_after_s; /* 0: the kind's own default */
	char sqlstate[6];  /* what Postgres said, or "" */
	char message[256];
	char detail[768];
};

/* Fill it; both return false, to be returned at once. A text that is too long is cut. */
bool error_set(struct error *err, enum np_failure kind, const char *format, ...) NP_PRINTF(3, 4);

/* Adds what only the log should see to an error that is set. */
bool error_detail(struct error *err, const char *format, ...) NP_PRINTF(2, 3);

#endif
