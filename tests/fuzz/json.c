/* json - what passes the gate, json-c reads and takes for the same; what does not pass has a reason
 *
 * The reader here is written a second time, for what each value means. tests/system/test_values.py has Postgres' jsonb
 * read the same seeds. */
#include <math.h>

#include "fuzz.h"
#include "http/json.h"

/* --- a text and json-c's tree of it, side by side --- */

struct walk {
	const char *at, *end;
};

static void
skip_space(struct walk *walk)
{
	while (walk->at < walk->end
	       && (*walk->at == ' ' || *walk->at == '\t' || *walk->at == '\n' || *walk->at == '\r'))
		walk->at++;
}

static void
pass(struct walk *walk, char c)
{
	skip_space(walk);
	HOLDS(walk->at < walk->end && *walk->at == c);
	walk->at++;
}

static bool
is_next(struct walk *walk, char c)
{
	skip_space(walk);
	HOLDS(walk->at < walk->end);
	return *walk->at == c;
}

static uint32_t
hex4(struct walk *walk)
{
	uint32_t unit = 0;

	for (int i = 0; i < 4; i++)
		unit = unit * 16 + (uint32_t)text_hex(*walk->at++);
	return unit;
}

static void
read_escape(struct walk *walk, struct buf *out)
{
	char c = *walk->at++, utf8[4];
	uint32_t point;

	if (c != 'u') {
		buf_char(out, c == 'b'   ? '\b'
		              : c == 'f' ? '\f'
		              : c == 'n' ? '\n'
		              : c == 'r' ? '\r'
		              : c == 't' ? '\t'
		                         : c);
		return;
	}
	point = hex4(walk);
	HOLDS(point != 0);
	if (point >= 0xd800 && point < 0xe000) {
		walk->at += 2;
		point = 0x10000 + ((point - 0xd800) << 10) + (hex4(walk) - 0xdc00);
	}
	HOLDS(point <= 0x10ffff);
	buf_add(out, utf8, utf8_put(point, utf8));
}

static const char *
read_string(void *owner, struct walk *walk)
{
	struct buf out;

	buf_init(&out, owner, 1 << 20);
	pass(walk, '"');
	while (*walk->at != '"') {
		if (*walk->at != '\\') {
			buf_char(&out, *walk->at++);
			continue;
		}
		walk->at++;
		read_escape(walk, &out);
	}
	walk->at++;
	HOLDS(strlen(out.data) == out.size && utf8_valid(out.data, out.size, NULL));
	return out.data;
}

static void same_value(void *owner, struct walk *walk, struct json_object *value);

static void
same_object(void *owner, struct walk *walk, struct json_object *value)
{
	int count = 0;

	HOLDS(json_object_is_type(value, json_type_object));
	pass(walk, '{');
	while (!is_next(walk, '}')) {
		struct json_object *member;

		if (count > 0)
			pass(walk, ',');
		HOLDS(json_object_object_get_ex(value, read_string(owner, walk), &member));
		pass(walk, ':');
		same_value(owner, walk, member);
		count++;
	}
	pass(walk, '}');
	HOLDS(json_object_object_length(value) == count);
}

static void
same_array(void *owner, struct walk *walk, struct json_object *value)
{
	size_t count = 0;

	HOLDS(json_object_is_type(value, json_type_array));
	pass(walk, '[');
	while (!is_next(walk, ']')) {
		if (count > 0)
			pass(walk, ',');
		same_value(owner, walk, json_object_array_get_idx(value, count++));
	}
	pass(walk, ']');
	HOLDS(json_object_array_length(value) == count);
}

static void
same_number(void *owner, struct walk *walk, struct json_object *value)
{
	const char *start = walk->at, *text;
	char *end;

	while (walk->at < walk->end && strchr("+-.eE0123456789", *walk->at) && *walk->at)
		walk->at++;
	text = mem_strndup(owner, start, (size_t)(walk->at - start));
	if (strpbrk(text, ".eE")) {
		double number = strtod(text, &end);

		HOLDS(!*end && isfinite(number));
		HOLDS(json_object_is_type(value, json_type_double));
		HOLDS(json_object_get_double(value) == number);
	} else {
		HOLDS(json_object_is_type(value, json_type_int));
		HOLDS(json_object_get_int64(value) == strtoll(text, &end, 10) && !*end);
	}
}

static void
same_value(void *owner, struct walk *walk, struct json_object *value)
{
	skip_space(walk);
	HOLDS(walk->at < walk->end);
	switch (*walk->at) {
	case '{':
		same_object(owner, walk, value);
		break;
	case '[':
		same_array(owner, walk, value);
		break;
	case '"':
		HOLDS(json_object_is_type(value, json_type_string));
		HOLDS(same_text(read_string(owner, walk), json_object_get_string(value)));
		break;
	case 'n':
		HOLDS(value == NULL);
		walk->at += 4;
		break;
	case 't':
	case 'f':
		HOLDS(json_object_is_type(value, json_type_boolean));
		HOLDS(json_object_get_boolean(value) == (*walk->at == 't'));
		walk->at += *walk->at == 't' ? 4 : 5;
		break;
	default:
		same_number(owner, walk, value);
	}
}

/* As the value of a member, since a body is an object; one level and one name more may be too many. */
static void
same_document(void *owner, const char *text, size_t size)
{
	struct walk walk = { text, text + size };
	struct json_body body;
	struct error err;
	struct buf whole;

	buf_init(&whole, owner, size + 16);
	buf_text(&whole, "{\"\":");
	buf_add(&whole, text, size);
	buf_char(&whole, '}');
	if (!json_body_read(owner, whole.data, whole.size, &body, &err)) {
		HOLDS(strstr(err.message, "too many levels") || strstr(err.message, "too many members"));
		return;
	}
	HOLDS(body.count == 1);
	same_value(owner, &walk, body.members[0].value);
	skip_space(&walk);
	HOLDS(walk.at == walk.end);
}

/* --- */

/* Each member's JSON passes the gate again, and its kind is what the text begins with. */
static void
check_members(void *owner, const struct json_body *body, int depth)
{
	struct error err;

	for (size_t i = 0; i < body->count; i++) {
		const struct json_member *member = &body->members[i];
		const char *text = json_text(owner, member);
		struct json_body children;

		HOLDS(json_gate(text, strlen(text), &err));
		HOLDS((member->kind == JSON_STRING) == (*text == '"'));
		HOLDS((member->kind == JSON_OBJECT) == (*text == '{'));
		HOLDS((member->kind == JSON_ARRAY) == (*text == '['));
		if (depth < 2 && (member->kind == JSON_OBJECT || member->kind == JSON_ARRAY)) {
			json_children(owner, member, &children);
			check_members(owner, &children, depth + 1);
		}
	}
}

/* json-c takes more than JSON; a text that it refuses must not have passed, which same_document() sees. What it takes in
 * its strict form was refused for one of our reasons. */
static void
check_refusal(const struct error *err)
{
	HOLDS(err->kind == NP_MALFORMED);
	HOLDS(text_starts(err->message, "The body is not valid JSON: ") && strstr(err->message, " at byte "));
	HOLDS(!has_control(err->message) && !err->detail[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	const char *text = input_copy(owner, data, size);
	struct error err = { .kind = 0 }, other = { .kind = 0 };
	bool passes = json_gate((const char *)data, size, &err);
	struct json_body body;

	if (passes) {
		same_document(owner, text, size);
		if (json_body_read(owner, text, size, &body, &other))
			check_members(owner, &body, 0);
		else
			HOLDS(other.kind == NP_INVALID);
	} else {
		check_refusal(&err);
		HOLDS(!json_body_read(owner, text, size, &body, &other) && other.kind == NP_MALFORMED);
	}
	mem_free(owner);
	return 0;
}
