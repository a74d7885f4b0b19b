/* json_check.h - which texts are accepted as JSON
 *
 * The check is ours because libraries let the last of two equal names win, cut texts at \u0000,
 * accept NaN, 1e400, lone surrogates and overlong UTF-8, and saturate integers. It accepts RFC 8259
 * within the limits of I-JSON (RFC 7493): valid UTF-8, no two equal names in an object, no NUL,
 * integers of 64 bits, numbers that a double can hold. Further limits: JSON_DEPTH_MAX levels,
 * JSON_OBJECT_KEYS_MAX members in an object, 63 bytes in a number and 4 digits in an exponent.
 * Postgres' jsonb accepts every accepted text: tests/system/test_values.py.
 */
#ifndef NULLPOOL_HTTP_JSON_CHECK_H
#define NULLPOOL_HTTP_JSON_CHECK_H

#include "base/attributes.h"
#include "base/error.h"

#define JSON_DEPTH_MAX       16
#define JSON_OBJECT_KEYS_MAX 1000

/* Returns false with FAILURE_MALFORMED, which says what is wrong and at which byte. */
NP_MUST_CHECK bool json_check(const char *text, size_t size, struct error *err);

#endif
