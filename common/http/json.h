/* json.h - reads JSON that json_check() accepts, where it stands
 *
 * There is no tree. A tree costs memory for each value, many times the bytes that were sent (json-c
 * needs 790 bytes for {}). Here a value is a piece of the text until somebody asks for it, and a
 * value that nobody asks for costs nothing.
 */
#ifndef NULLPOOL_HTTP_JSON_H
#define NULLPOOL_HTTP_JSON_H

#include "base/attributes.h"
#include "base/error.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_INT, JSON_FLOAT, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_member {
	const char *name; /* decoded; NULL for an item of an array */
	enum json_kind kind;
	const char *text; /* a string decoded, a number or word as sent; NULL for the others */
	const char *json; /* its JSON, in the text that was read */
	size_t size;      /* of its JSON */
};

struct json_body {
	const struct json_member *members;
	size_t count;
};

/* Checks the text, which must be an object, and reads its members, which refer to the text. Returns
 * false with FAILURE_MALFORMED (see json_check()), or FAILURE_INVALID if it is not an object. */
NP_MUST_CHECK bool json_body_read(void *owner, const char *text, size_t size,
                                  struct json_body *body, struct error *err);

/* Returns the member of that name, or NULL. */
const struct json_member *json_find(const struct json_body *object, const char *name);

/* Reads the members of a JSON_OBJECT. */
void json_members(void *owner, const struct json_member *object, struct json_body *members);

/* The items of a JSON_ARRAY that have not been read yet. */
struct json_items {
	const char *at, *end;
};
struct json_items json_items(const struct json_member *array);

/* Reads the next item, whose text belongs to owner. Returns false if there is none. */
bool json_next_item(void *owner, struct json_items *items, struct json_member *item);

/* Returns the member's JSON without white space; strings keep their escapes. */
const char *json_compact(void *owner, const struct json_member *member);

#endif
