/* json - an accepted text is read as what it means; a refused one gets a reason
 *
 * This file has a second reader, which says what each value means. tests/system/test_values.py
 * has Postgres' jsonb read the same seeds. */
#include <math.h>

#include "fuzz.h"
#include "http/json.h"
#include "http/json_canonical.h"
#include "http/json_check.h"

/* --- a text and what was read from it, side by side --- */

struct reader {
	const char *at, *end;
};

static void
skip_space(struct reader *reader)
{
	while (reader->at < reader->end
	       && (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n'
	           || *reader->at == '\r'))
		reader->at++;
}

static void
skip_char(struct reader *reader, char c)
{
	skip_space(reader);
	HOLDS(reader->at < reader->end && *reader->at == c);
	reader->at++;
}

static uint32_t
read_hex4(struct reader *reader)
{
	uint32_t unit = 0;

	for (int i = 0; i < 4; i++)
		unit = unit * 16 + (uint32_t)text_hex(*reader->at++);
	return unit;
}

static void
read_escape(struct reader *reader, struct buf *out)
{
	char c = *reader->at++, utf8[4];
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
	point = read_hex4(reader);
	HOLDS(point != 0);
	if (point >= 0xd800 && point < 0xe000) {
		reader->at += 2;
		point = 0x10000 + ((point - 0xd800) << 10) + (read_hex4(reader) - 0xdc00);
	}
	HOLDS(point <= 0x10ffff);
	buf_add(out, utf8, utf8_put(point, utf8));
}

static const char *
read_string(void *owner, struct reader *reader)
{
	struct buf out;

	buf_init(&out, owner, 1 << 20);
	skip_char(reader, '"');
	while (*reader->at != '"') {
		if (*reader->at != '\\') {
			buf_char(&out, *reader->at++);
			continue;
		}
		reader->at++;
		read_escape(reader, &out);
	}
	reader->at++;
	HOLDS(strlen(out.data) == out.size && utf8_valid(out.data, out.size, NULL));
	return out.data;
}

static void same_value(void *owner, struct reader *reader, const struct json_member *value);

static void
same_object(void *owner, struct reader *reader, const struct json_member *value)
{
	struct json_body members;

	HOLDS(value->kind == JSON_OBJECT);
	json_members(owner, value, &members);
	skip_char(reader, '{');
	for (size_t i = 0; i < members.count; i++) {
		if (i > 0)
			skip_char(reader, ',');
		HOLDS(same_text(read_string(owner, reader), members.members[i].name));
		skip_char(reader, ':');
		same_value(owner, reader, &members.members[i]);
	}
	skip_char(reader, '}');
}

static void
same_array(void *owner, struct reader *reader, const struct json_member *value)
{
	struct json_items items;
	struct json_member item;
	size_t count = 0;

	HOLDS(value->kind == JSON_ARRAY);
	items = json_items(value);
	skip_char(reader, '[');
	while (json_next_item(owner, &items, &item)) {
		if (count++ > 0)
			skip_char(reader, ',');
		same_value(owner, reader, &item);
	}
	skip_char(reader, ']');
}

static void
same_number(void *owner, struct reader *reader, const struct json_member *value)
{
	const char *start = reader->at, *text;
	int64_t whole;
	char *end;

	while (reader->at < reader->end && strchr("+-.eE0123456789", *reader->at) && *reader->at)
		reader->at++;
	text = mem_strndup(owner, start, (size_t)(reader->at - start));
	HOLDS(value->kind == (strpbrk(text, ".eE") ? JSON_FLOAT : JSON_INT)
	      && same_text(text, value->text));
	HOLDS(isfinite(strtod(text, &end)) && !*end);
	if (parse_whole(text, &whole))
		HOLDS(fabs((double)whole - strtod(text, &end)) <= fabs((double)whole) / 1e15);
	else
		HOLDS(value->kind == JSON_FLOAT);
}

static void
same_value(void *owner, struct reader *reader, const struct json_member *value)
{
	skip_space(reader);
	HOLDS(reader->at < reader->end);
	switch (*reader->at) {
	case '{':
		same_object(owner, reader, value);
		break;
	case '[':
		same_array(owner, reader, value);
		break;
	case '"':
		HOLDS(value->kind == JSON_STRING);
		HOLDS(same_text(read_string(owner, reader), value->text));
		break;
	case 'n':
		HOLDS(value->kind == JSON_NULL && same_text(value->text, "null"));
		reader->at += 4;
		break;
	case 't':
	case 'f':
		HOLDS(value->kind == JSON_BOOL && *value->text == *reader->at);
		reader->at += *reader->at == 't' ? 4 : 5;
		break;
	default:
		same_number(owner, reader, value);
	}
}

/* Makes the text the value of a member, since a body is an object. One level more may be too many.
 */
static void
same_document(void *owner, const char *text, size_t size)
{
	struct reader reader = { text, text + size };
	struct json_body body;
	struct error err;
	struct buf whole;

	buf_init(&whole, owner, size + 16);
	buf_text(&whole, "{\"\":");
	buf_add(&whole, text, size);
	buf_char(&whole, '}');
	if (!json_body_read(owner, whole.data, whole.size, &body, &err)) {
		HOLDS(strstr(err.message, "too many levels"));
		return;
	}
	HOLDS(body.count == 1);
	same_value(owner, &reader, &body.members[0]);
	skip_space(&reader);
	HOLDS(reader.at == reader.end);
}

/* --- */

/* Each member's JSON is accepted again, is no longer than what was sent, and begins as its kind
 * does. */
static void
check_members(void *owner, const struct json_body *body, int depth)
{
	struct error err;

	for (size_t i = 0; i < body->count; i++) {
		const struct json_member *member = &body->members[i];
		const char *text = json_compact(owner, member);
		struct json_body children;

		HOLDS(json_check(text, strlen(text), &err) && strlen(text) <= member->size);
		HOLDS((member->kind == JSON_STRING) == (*text == '"'));
		HOLDS((member->kind == JSON_OBJECT) == (*text == '{'));
		HOLDS((member->kind == JSON_ARRAY) == (*text == '['));
		if (depth < 2 && member->kind == JSON_OBJECT) {
			json_members(owner, member, &children);
			check_members(owner, &children, depth + 1);
		}
	}
}

/* The canonical text has room, and white space makes no difference. */
static void
check_canonical(void *owner, const char *text, size_t size)
{
	const struct json_member whole = { .json = text, .size = size };
	struct buf one, other;

	buf_init(&one, owner, JSON_CANONICAL_MAX_BYTES(size));
	json_canonical(&one, text);
	buf_init(&other, owner, JSON_CANONICAL_MAX_BYTES(size));
	json_canonical(&other, json_compact(owner, &whole));
	HOLDS(!one.overflow && one.size == other.size
	      && memcmp(one.data, other.data, one.size) == 0);
}

static void
check_refusal(const struct error *err)
{
	HOLDS(err->kind == FAILURE_MALFORMED);
	HOLDS(text_starts(err->message, "The body is not valid JSON: ")
	      && strstr(err->message, " at byte "));
	HOLDS(!has_control(err->message) && !err->detail[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	const char *text = input_copy(owner, data, size);
	struct error err = { .kind = 0 }, other = { .kind = 0 };
	bool valid = json_check((const char *)data, size, &err);
	struct json_body body;

	if (valid) {
		same_document(owner, text, size);
		check_canonical(owner, text, size);
		if (json_body_read(owner, text, size, &body, &other))
			check_members(owner, &body, 0);
		else
			HOLDS(other.kind == FAILURE_INVALID);
	} else {
		struct buf ignored;

		check_refusal(&err);
		buf_init(&ignored, owner, JSON_CANONICAL_MAX_BYTES(size));
		json_canonical(&ignored, text);
		HOLDS(!json_body_read(owner, text, size, &body, &other)
		      && other.kind == FAILURE_MALFORMED);
	}
	mem_free(owner);
	return 0;
}
