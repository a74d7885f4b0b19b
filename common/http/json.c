/* json.c - nothing here can be malformed: json_check() has accepted the text */
#include "http/json.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/json_check.h"
#include "http/json_lex.h"

/* Returns what follows the string whose opening quote is at `at`. */
static const char *
skip_string(const char *at)
{
	for (at++; *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at + 1;
}

/* Returns what follows the bracket that closes the one at `at`. */
static const char *
skip_brackets(const char *at)
{
	int depth = 0;

	do {
		if (*at == '"') {
			at = skip_string(at);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		at++;
	} while (depth > 0);
	return at;
}

/* Returns what follows the value at `at`. */
static const char *
skip_value(const char *at, const char *end)
{
	if (*at == '"')
		return skip_string(at);
	if (*at == '{' || *at == '[')
		return skip_brackets(at);
	while (at < end && (text_is_alnum(*at) || *at == '-' || *at == '+' || *at == '.'))
		at++;
	return at;
}

static enum json_kind
kind_of(const char *json, size_t size)
{
	switch (*json) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
	case 'f':
		return JSON_BOOL;
	case 'n':
		return JSON_NULL;
	default:
		break;
	}
	for (size_t i = 0; i < size; i++)
		if (json[i] == '.' || json[i] == 'e' || json[i] == 'E')
			return JSON_FLOAT;
	return JSON_INT;
}

/* Decodes a string; `at` is its opening quote, `end` follows its closing one. The result is never
 * longer than the JSON. */
static const char *
decode_string(void *owner, const char *at, const char *end)
{
	char *text = mem_resize(owner, NULL, (size_t)(end - at)), *out = text;

	for (at++, end--; at < end;) {
		uint32_t point;

		if (*at != '\\') {
			*out++ = *at++;
			continue;
		}
		at += json_escape_size(at, end, &point);
		out += utf8_put(point, out);
	}
	*out = '\0';
	return text;
}

/* Reads the value at *at, and moves *at behind it. */
static struct json_member
read_value(void *owner, const char **at, const char *end)
{
	struct json_member member = { .json = *at };

	*at = skip_value(*at, end);
	member.size = (size_t)(*at - member.json);
	member.kind = kind_of(member.json, member.size);
	if (member.kind == JSON_STRING)
		member.text = decode_string(owner, member.json, *at);
	else if (member.kind != JSON_ARRAY && member.kind != JSON_OBJECT)
		member.text = mem_strndup(owner, member.json, member.size);
	return member;
}

/* Skips white space and a comma. Returns the next member or item, or NULL at the end. */
static const char *
next_in_brackets(const char *at, const char *end)
{
	at = json_skip_space(at, end);
	if (*at == ',')
		at = json_skip_space(at + 1, end);
	return *at == '}' || *at == ']' ? NULL : at;
}

static size_t
count_members(const char *at, const char *end)
{
	size_t count = 0;

	while ((at = next_in_brackets(at, end)) != NULL) {
		at = json_skip_space(skip_string(at), end);
		at = skip_value(json_skip_space(at + 1, end), end);
		count++;
	}
	return count;
}

void
json_members(void *owner, const struct json_member *object, struct json_body *members)
{
	const char *at = object->json + 1, *end = object->json + object->size;
	size_t count = count_members(at, end);
	struct json_member *all = mem_array(owner, struct json_member, count);

	for (size_t i = 0; i < count; i++) {
		const char *name = next_in_brackets(at, end);

		at = skip_string(name);
		name = decode_string(owner, name, at);
		at = json_skip_space(json_skip_space(at, end) + 1, end);
		all[i] = read_value(owner, &at, end);
		all[i].name = name;
	}
	*members = (struct json_body){ all, count };
}

struct json_items
json_items(const struct json_member *array)
{
	return (struct json_items){ array->json + 1, array->json + array->size };
}

bool
json_next_item(void *owner, struct json_items *items, struct json_member *item)
{
	const char *at = next_in_brackets(items->at, items->end);

	if (!at)
		return false;
	*item = read_value(owner, &at, items->end);
	items->at = at;
	return true;
}

const char *
json_compact(void *owner, const struct json_member *member)
{
	const char *at = member->json, *end = member->json + member->size;
	char *text = mem_resize(owner, NULL, member->size + 1), *out = text;

	while ((at = json_skip_space(at, end)) < end) {
		const char *next = *at == '"' ? skip_string(at) : at + 1;

		memcpy(out, at, (size_t)(next - at));
		out += next - at;
		at = next;
	}
	*out = '\0';
	return text;
}

bool
json_body_read(void *owner, const char *text, size_t size, struct json_body *body,
               struct error *err)
{
	const char *at = text, *end = text + size;
	struct json_member root;

	if (!json_check(text, size, err))
		return false;
	at = json_skip_space(text, end);
	if (*at != '{')
		return error_set(err, FAILURE_INVALID, "The body is not a JSON object");
	root = read_value(owner, &at, end);
	json_members(owner, &root, body);
	return true;
}

const struct json_member *
json_find(const struct json_body *object, const char *name)
{
	for (size_t i = 0; i < object->count; i++)
		if (strcmp(object->members[i].name, name) == 0)
			return &object->members[i];
	return NULL;
}
