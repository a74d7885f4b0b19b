#include <json-c/json.h>

#include "base/mem.h"
#include "base/text.h"
#include "http/json.h"

#define PAIR_BYTES 12 /* \ud83d\ude00 */

static void
put(void *value)
{
	(void)json_object_put(value);
}

static enum json_kind
kind_of(const struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_boolean:
		return JSON_BOOL;
	case json_type_int:
		return JSON_INT;
	case json_type_double:
		return JSON_FLOAT;
	case json_type_string:
		return JSON_STRING;
	case json_type_array:
		return JSON_ARRAY;
	case json_type_object:
		return JSON_OBJECT;
	case json_type_null:
		break;
	}
	return JSON_NULL;
}

static const char *
to_text(void *owner, struct json_object *value)
{
	return mem_strdup(owner, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
}

static struct json_member
member_of(void *owner, const char *name, struct json_object *value)
{
	const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value)
	                                                                : to_text(owner, value);

	return (struct json_member){ name, kind_of(value), text, value };
}

const char *
json_text(void *owner, const struct json_member *member)
{
	return member->kind == JSON_STRING ? to_text(owner, member->value) : member->text;
}

static void
members_of(void *owner, struct json_object *object, struct json_body *body)
{
	struct json_member *members = mem_array(owner, struct json_member,
	                                        (size_t)json_object_object_length(object));
	struct json_object_iterator at = json_object_iter_begin(object), end = json_object_iter_end(object);
	size_t count = 0;

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
		members[count++] = member_of(owner, json_object_iter_peek_name(&at),
		                             json_object_iter_peek_value(&at));
	*body = (struct json_body){ members, count };
}

static void
elements_of(void *owner, struct json_object *array, struct json_body *body)
{
	size_t count = json_object_array_length(array);
	struct json_member *members = mem_array(owner, struct json_member, count);

	for (size_t i = 0; i < count; i++)
		members[i] = member_of(owner, NULL, json_object_array_get_idx(array, i));
	*body = (struct json_body){ members, count };
}

void
json_children(void *owner, const struct json_member *member, struct json_body *children)
{
	if (member->kind == JSON_OBJECT)
		members_of(owner, member->value, children);
	else
		elements_of(owner, member->value, children);
}

/* The text, which has passed the gate, with its surrogate pairs as UTF-8. json-c 0.16 decodes a pair, and then takes a code point
 * such as U+1D800, whose last 16 bits are a surrogate's, for half of one: it would become U+FFFD. */
static const char *
without_pairs(void *owner, const char *text, size_t *size)
{
	const char *end = text + *size;
	char *out, *to;
	uint32_t point;

	if (!memmem(text, *size, "\\u", 2))
		return text;
	out = to = mem_resize(owner, NULL, *size + 1);
	while (text < end) {
		size_t length = *text == '\\' ? json_escape_size(text, end, &point) : 1;

		if (length == PAIR_BYTES) {
			to += utf8_put(point, to);
		} else {
			memcpy(to, text, length);
			to += length;
		}
		text += length;
	}
	*to = '\0';
	*size = (size_t)(to - out);
	return out;
}

/* The tree; it lives as long as owner. */
static bool
parse(void *owner, const char *text, size_t size, struct json_object **root, struct error *err)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
	enum json_tokener_error error;

	mem_own(owner, tokener, (void (*)(void *))json_tokener_free);
	text = without_pairs(owner, text, &size);
	/* Not JSON_TOKENER_STRICT: the gate is stricter, and json-c 0.18 (Debian 13) then takes every byte above 127
	 * for a control character, since its char is signed. With its NUL, which tells the tokener that a number has ended. */
	*root = json_tokener_parse_ex(tokener, text, (int)size + 1);
	error = json_tokener_get_error(tokener);
	if (error != json_tokener_success)
		return error_set(err, NP_MALFORMED, "The body is not valid JSON: %s",
		                 json_tokener_error_desc(error));
	mem_own(owner, *root, put);
	return true;
}

bool
json_body_read(void *owner, const char *text, size_t size, struct json_body *body, struct error *err)
{
	struct json_object *root;

	if (!json_gate(text, size, err) || !parse(owner, text, size, &root, err))
		return false;
	if (!json_object_is_type(root, json_type_object))
		return error_set(err, NP_INVALID, "The body is not a JSON object");
	members_of(owner, root, body);
	return true;
}
