/* json.h - a body, checked as a whole by a small gate of ours, and then read where it stands
 *
 * The gate is ours because libraries let the last of two equal keys win, cut texts at \u0000, take
 * NaN, 1e400, lone surrogates and overlong UTF-8, and saturate integers. What passes is RFC 8259
 * within the limits of I-JSON (RFC 7493): valid UTF-8, no equal keys, no NUL, integers of 64 bits,
 * numbers that a double has, at most JSON_DEPTH_MAX levels and JSON_OBJECT_KEYS_MAX keys in an
 * object; no number of more than 63 bytes, or with an exponent of more than 4 digits. Postgres'
 * jsonb takes all that passes: tests/system/test_values.py.
 *
 * There is no tree. A tree costs memory for each value, many times the bytes that were sent (json-c
 * needs 790 bytes for {}); here a value is a piece of the text until somebody asks for it, and what
 * nobody asks for costs nothing.
 */
#ifndef NULLPOOL_HTTP_JSON_H
#define NULLPOOL_HTTP_JSON_H

#include "base/attributes.h"
#include "base/error.h"

#define JSON_DEPTH_MAX       16
#define JSON_OBJECT_KEYS_MAX 1000

enum json_kind { JSON_NULL, JSON_BOOL, JSON_INT, JSON_FLOAT, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_member {
	const char *name; /* decoded; NULL: an item of an array */
	enum json_kind kind;
	const char
	    *text; /* contents of a string, a number or word as sent; NULL: array or object */
	const char *json; /* where its JSON begins, in the text that was read */
	size_t size;      /* of its JSON */
};

struct json_body {
	const struct json_member *members;
	size_t count;
};

/* The members of a JSON_OBJECT. */
void json_members(void *owner, const struct json_member *object, struct json_body *members);

/* Where in a JSON_ARRAY its next item is. */
struct json_items {
	const char *at, *end;
};
struct json_items json_items(const struct json_member *array);

/* The next item, whose text belongs to owner. False: there was none. */
bool json_next_item(void *owner, struct json_items *items, struct json_member *item);

/* Its JSON without white space; strings keep their escapes. */
const char *json_compact(void *owner, const struct json_member *member);

/* Decodes the escape at `text` (its backslash). Returns its size, a surrogate pair being one of 12
 * bytes, or 0 when it is none that may stand in a string: an unknown one, \u0000, or half of a
 * pair. */
size_t json_escape_size(const char *text, const char *end, uint32_t *point);

/* NP_MALFORMED, with what is wrong and at which byte. */
NP_MUST_CHECK bool json_check(const char *text, size_t size, struct error *err);

/* The members of a body that is one object; they refer to the text. NP_MALFORMED as above;
 * NP_INVALID if it is another JSON value. */
NP_MUST_CHECK bool json_body_read(void *owner, const char *text, size_t size,
                                  struct json_body *body, struct error *err);

#endif
