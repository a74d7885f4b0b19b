#include <assert.h>
#include <errno.h>

#include <json-c/json.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/json.h"
#include "http/request.h"

/* A byte may become six: \u007f. */
#define TEXT_MAX_BYTES (6 * (size_t)REQUEST_BODY_MAX_BYTES)

#define PAIR_BYTES     12 /* \ud83d\ude00 */

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

static void write_value(struct buf *text, struct json_object *value);

static void
write_object(struct buf *text, struct json_object *object)
{
	struct json_object_iterator at = json_object_iter_begin(object), end = json_object_iter_end(object);
	const char *before = "{";

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		buf_text(text, before);
		buf_json_text(text, json_object_iter_peek_name(&at));
		buf_char(text, ':');
		write_value(text, json_object_iter_peek_value(&at));
		before = ",";
	}
	buf_text(text, *before == '{' ? "{}" : "}");
}

static void
write_array(struct buf *text, struct json_object *array)
{
	size_t count = json_object_array_length(array);

	buf_char(text, '[');
	for (size_t i = 0; i < count; i++) {
		buf_text(text, i == 0 ? "" : ",");
		write_value(text, json_object_array_get_idx(array, i));
	}
	buf_char(text, ']');
}

/* As it was sent; json-c keeps it beside the number. */
static const char *
float_text(struct json_object *value)
{
	const char *text = json_object_get_userdata(value);

	if (!text)
		mem_exhausted();
	return text;
}

/* By ourselves: what json-c's own writer has no memory for it leaves out, and says nothing. */
static void
write_value(struct buf *text, struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_boolean:
		buf_text(text, json_object_get_boolean(value) ? "true" : "false");
		break;
	case json_type_int:
		buf_printf(text, "%lld", (long long)json_object_get_int64(value));
		break;
	case json_type_double:
		buf_text(text, float_text(value));
		break;
	case json_type_string:
		buf_json_string(text, json_object_get_string(value),
		                (size_t)json_object_get_string_len(value));
		break;
	case json_type_array:
		write_array(text, value);
		break;
	case json_type_object:
		write_object(text, value);
		break;
	case json_type_null:
		buf_text(text, "null");
		break;
	}
}

static const char *
to_text(void *owner, struct json_object *value)
{
	struct buf text;

	buf_init(&text, owner, TEXT_MAX_BYTES);
	write_value(&text, value);
	assert(!text.overflow);
	return text.data;
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

static void measure_value(struct json_object *value, struct json_measure *measure);

static void
measure_object(struct json_object *object, struct json_measure *measure)
{
	struct json_object_iterator at = json_object_iter_begin(object), end = json_object_iter_end(object);

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		measure->text_bytes += strlen(json_object_iter_peek_name(&at));
		measure_value(json_object_iter_peek_value(&at), measure);
	}
}

static void
measure_value(struct json_object *value, struct json_measure *measure)
{
	measure->values++;
	if (json_object_is_type(value, json_type_string))
		measure->text_bytes += (size_t)json_object_get_string_len(value);
	else if (json_object_is_type(value, json_type_object))
		measure_object(value, measure);
	else if (json_object_is_type(value, json_type_array))
		for (size_t i = 0; i < json_object_array_length(value); i++)
			measure_value(json_object_array_get_idx(value, i), measure);
}

/* Without memory json-c 0.16 cuts a text, leaves a member out, and calls that a success. */
static void
check_whole(struct json_object *root, const struct json_measure *wanted)
{
	struct json_measure found = { .values = 0 };

	measure_value(root, &found);
	if (found.values != wanted->values || found.text_bytes != wanted->text_bytes)
		mem_exhausted();
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

	if (!tokener)
		mem_exhausted();
	mem_own(owner, tokener, (void (*)(void *))json_tokener_free);
	text = without_pairs(owner, text, &size);
	/* Not JSON_TOKENER_STRICT: the gate is stricter, and json-c 0.18 (Debian 13) then takes every byte above 127
	 * for a control character, since its char is signed. With its NUL, which tells the tokener that a number has ended. */
	errno = 0;
	*root = json_tokener_parse_ex(tokener, text, (int)size + 1);
	error = json_tokener_get_error(tokener);
	if (error != json_tokener_success && errno == ENOMEM)
		mem_exhausted();
	if (error != json_tokener_success)
		return error_set(err, NP_MALFORMED, "The body is not valid JSON: %s",
		                 json_tokener_error_desc(error));
	mem_own(owner, *root, put);
	return true;
}

bool
json_body_read(void *owner, const char *text, size_t size, struct json_body *body, struct error *err)
{
	struct json_measure measure;
	struct json_object *root;

	if (!json_gate_measure(text, size, &measure, err) || !parse(owner, text, size, &root, err))
		return false;
	check_whole(root, &measure);
	if (!json_object_is_type(root, json_type_object))
		return error_set(err, NP_INVALID, "The body is not a JSON object");
	members_of(owner, root, body);
	return true;
}
