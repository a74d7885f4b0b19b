/* json.h - a body, checked by a small gate of ours and then read by json-c
 *
 * The gate is ours because json-c, also when strict, lets the last of two equal keys win, cuts texts at \u0000,
 * takes NaN, 1e400, lone surrogates and overlong UTF-8, and saturates integers. What passes is RFC 8259 within
 * the limits of I-JSON (RFC 7493): valid UTF-8, no equal keys, no NUL, integers of 64 bits, numbers that a double has,
 * at most JSON_DEPTH_MAX levels, JSON_OBJECT_KEYS_MAX keys in an object and JSON_KEYS_MAX in all; no number of more than
 * 63 bytes, or with an exponent of more than 4 digits. Postgres' jsonb takes all that passes: tests/system/test_values.py.
 * Its measure is held against what json-c read, since json-c without memory reads less and does not say so.
 */
#ifndef NULLPOOL_HTTP_JSON_H
#define NULLPOOL_HTTP_JSON_H

#include "base/attributes.h"
#include "base/error.h"

#define JSON_DEPTH_MAX       16
#define JSON_OBJECT_KEYS_MAX 1000
#define JSON_KEYS_MAX        10000

enum json_kind { JSON_NULL, JSON_BOOL, JSON_INT, JSON_FLOAT, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_member {
	const char *name;
	enum json_kind kind;
	const char *text; /* a string's contents; of everything else its JSON */
	void *value;      /* for the functions below; it lives as long as the body's owner */
};

struct json_body {
	const struct json_member *members;
	size_t count;
};

/* The members of a JSON_OBJECT, or the elements of a JSON_ARRAY (their names are NULL). */
void json_children(void *owner, const struct json_member *member, struct json_body *children);

/* Its JSON, also of a string. */
const char *json_text(void *owner, const struct json_member *member);

/* What json-c has to have made of a text. */
struct json_measure {
	size_t values;
	size_t text_bytes; /* of its strings and names, decoded */
};

/* Decodes the escape at `text` (its backslash). Returns its size, a surrogate pair being one of 12 bytes, or 0 when it is none
 * that may stand in a string: an unknown one, \u0000, or half of a pair. */
size_t json_escape_size(const char *text, const char *end, uint32_t *point);

/* NP_MALFORMED, with what is wrong and at which byte. */
NP_MUST_CHECK bool json_gate(const char *text, size_t size, struct error *err);
NP_MUST_CHECK bool json_gate_measure(const char *text, size_t size, struct json_measure *measure,
                                     struct error *err);

/* A body that is one object; text[size] is a NUL. NP_MALFORMED as above; NP_INVALID when it is another JSON value. */
NP_MUST_CHECK bool json_body_read(void *owner, const char *text, size_t size, struct json_body *body,
                                  struct error *err);

#endif
