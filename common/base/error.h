/* error.h - why a function failed, written once, where it is known
 *
 * A fallible function returns bool and takes `struct error *` last; it fills the error if and only
 * if it returns false. A client may see `message` (except with FAILURE_INTERNAL); `detail` is for
 * the log only. The storage is the caller's and holds no pointers, so an error outlives whatever it
 * is about.
 */
#ifndef NULLPOOL_BASE_ERROR_H
#define NULLPOOL_BASE_ERROR_H

#include "base/attributes.h"

/* Why something failed: what a handler can say (enum np_error), and what only the library knows. */
enum failure {
	FAILURE_MALFORMED = NP_ERROR_MALFORMED,
	FAILURE_UNAUTHORIZED = NP_ERROR_UNAUTHORIZED,
	FAILURE_FORBIDDEN = NP_ERROR_FORBIDDEN,
	FAILURE_NOT_FOUND = NP_ERROR_NOT_FOUND,
	FAILURE_CONFLICT = NP_ERROR_CONFLICT,
	FAILURE_PRECONDITION_FAILED = NP_ERROR_PRECONDITION_FAILED,
	FAILURE_TOO_LARGE = NP_ERROR_TOO_LARGE,
	FAILURE_MEDIA_TYPE = NP_ERROR_MEDIA_TYPE,
	FAILURE_INVALID = NP_ERROR_INVALID,
	FAILURE_TOO_MANY = NP_ERROR_TOO_MANY,
	FAILURE_INTERNAL = NP_ERROR_INTERNAL,
	FAILURE_UNAVAILABLE = NP_ERROR_UNAVAILABLE,
	FAILURE_TIMEOUT = NP_ERROR_TIMEOUT,
	FAILURE_METHOD,                /* 405, with Allow */
	FAILURE_PRECONDITION_REQUIRED, /* 428: the route's .precondition */
	/* 503, "outcome": "unknown": the connection was lost after the commit was sent. */
	FAILURE_AMBIGUOUS,
	FAILURE_CLIENT_GONE, /* 499: the client has left; only the log shows it */
	FAILURE_COUNT,
};

/* Of FAILURE_CLIENT_GONE; and of a request whose transaction lost to a concurrent one. */
#define ERROR_CLIENT_GONE "The client left before the answer"
#define ERROR_CONFLICT    "The request conflicts with another one"

struct error {
	enum failure kind;
	int status; /* 0: the kind's; else what a function in the database, or the handler, chose */
	int retry_after_s;   /* 0: the kind's default */
	char sqlstate[6];    /* from Postgres, or "" */
	char constraint[64]; /* that a row violated, or "" */
	char message[256];
	char detail[768];
};

/* error_set() fills an error; error_detail() adds what only the log should show to an error that is
 * set. Both evaluate to false, for a return statement; they are macros so that a static analyzer
 * sees that too. A text that is too long is cut. */
#define error_set(err, kind, ...) (error_fill(err, kind, __VA_ARGS__), false)
#define error_detail(err, ...)    (error_fill_detail(err, __VA_ARGS__), false)

/* FAILURE_INTERNAL: the client sees no reason, the arguments are the detail. */
#define error_internal(err, ...) \
	(error_fill(err, FAILURE_INTERNAL, "Internal error"), error_detail(err, __VA_ARGS__))

void error_fill(struct error *err, enum failure kind, const char *format, ...) NP_PRINTF(3, 4);
void error_fill_detail(struct error *err, const char *format, ...) NP_PRINTF(2, 3);

#endif
