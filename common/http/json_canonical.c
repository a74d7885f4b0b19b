#include "http/json_canonical.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "http/json_check.h"
#include "http/json_lex.h"

struct reader {
	const char *at, *end;
	int depth;
	struct buf *out;
};

/* Where a member of an object begins and ends in `out`. */
struct member {
	size_t start, end;
};

static void
skip_space(struct reader *reader)
{
	reader->at = json_skip_space(reader->at, reader->end);
}

/* Writes the string's characters, and a NUL, which no string contains. */
static bool
read_string(struct reader *reader)
{
	char character[4];
	uint32_t point = 0;

	if (*reader->at != '"')
		return false;
	for (reader->at++; *reader->at && *reader->at != '"';) {
		size_t size = *reader->at == '\\'
		                  ? json_escape_size(reader->at, reader->end, &point)
		                  : 1;

		if (size == 0)
			return false;
		if (*reader->at == '\\')
			buf_add(reader->out, character, utf8_put(point, character));
		else
			buf_char(reader->out, *reader->at);
		reader->at += size;
	}
	buf_add(reader->out, "", 1);
	if (*reader->at != '"')
		return false;
	reader->at++;
	return true;
}

/* Writes the digits of a mantissa without the zeros at either end. Returns the power of ten by
 * which they must be multiplied. */
static int64_t
add_digits(struct buf *out, const char *from, size_t size)
{
	size_t start = out->size, zeros = 0;
	bool fraction = false;
	int64_t power = 0;

	for (size_t i = 0; i < size; i++) {
		fraction = fraction || from[i] == '.';
		if (!text_is_digit(from[i]))
			continue;
		power -= fraction;
		if (from[i] != '0' || out->size > start)
			buf_char(out, from[i]);
		zeros = from[i] == '0' ? zeros + 1 : 0;
	}
	if (out->size == start || out->overflow)
		return 0;
	out->size -= zeros;
	return power + (int64_t)zeros;
}

/* Writes 1.5 as 15e-1, and 0 as e0. */
static bool
read_number(struct reader *reader)
{
	const char *from = reader->at;
	bool integer;
	size_t size = json_number_size(from, (size_t)(reader->end - from), &integer);
	size_t mantissa = 0, start;
	int64_t power;

	if (size == 0)
		return false;
	while (mantissa < size && from[mantissa] != 'e' && from[mantissa] != 'E')
		mantissa++;
	if (*from == '-')
		buf_char(reader->out, '-');
	start = reader->out->size;
	power = add_digits(reader->out, from, mantissa);
	if (mantissa < size && reader->out->size > start
	    && __builtin_add_overflow(power, strtoll(from + mantissa + 1, NULL, 10), &power))
		return false;
	buf_printf(reader->out, "e%" PRId64 ";", power);
	reader->at += size;
	return true;
}

static bool read_value(struct reader *reader);

static bool
read_array(struct reader *reader)
{
	buf_char(reader->out, *reader->at++);
	skip_space(reader);
	while (*reader->at != ']') {
		if (!read_value(reader))
			return false;
		skip_space(reader);
		if (*reader->at == ',')
			reader->at++;
		else if (*reader->at != ']')
			return false;
	}
	buf_char(reader->out, *reader->at++);
	return true;
}

/* No two members of an object have the same name, so their texts differ within the names. */
static int
compare_members(const void *a, const void *b, void *text)
{
	return strcmp((const char *)text + ((const struct member *)a)->start,
	              (const char *)text + ((const struct member *)b)->start);
}

/* Sorts the members, which are all of `out` from `start` on; `index` lists them. */
static void
sort_members(struct buf *out, size_t start, struct buf *index)
{
	struct member *members = (struct member *)(void *)index->data;
	size_t size = out->size - start, count = index->size / sizeof(*members);
	char *copy;

	if (count < 2 || out->overflow || index->overflow)
		return;
	copy = mem_resize(out->owner, NULL, size);
	memcpy(copy, out->data + start, size);
	qsort_r(members, count, sizeof(*members), compare_members, out->data);
	out->size = start;
	for (size_t i = 0; i < count; i++)
		buf_add(out, copy + (members[i].start - start), members[i].end - members[i].start);
	mem_free(copy);
}

static bool
read_members(struct reader *reader, struct buf *index)
{
	struct member member;

	for (skip_space(reader); *reader->at != '}'; skip_space(reader)) {
		member.start = reader->out->size;
		if (!read_string(reader))
			return false;
		skip_space(reader);
		if (*reader->at != ':')
			return false;
		reader->at++;
		if (!read_value(reader))
			return false;
		member.end = reader->out->size;
		buf_add(index, (const char *)&member, sizeof(member));
		skip_space(reader);
		if (*reader->at == ',')
			reader->at++;
		else if (*reader->at != '}')
			return false;
	}
	return true;
}

static bool
read_object(struct reader *reader)
{
	struct buf index;
	size_t start;
	bool ok;

	buf_char(reader->out, *reader->at++);
	start = reader->out->size;
	buf_init(&index, reader->out->owner, JSON_OBJECT_KEYS_MAX * sizeof(struct member));
	ok = read_members(reader, &index);
	if (ok) {
		sort_members(reader->out, start, &index);
		buf_char(reader->out, *reader->at++);
	}
	buf_release(&index);
	return ok;
}

static bool
read_word(struct reader *reader)
{
	size_t size = 0;

	while (text_is_alpha(reader->at[size]))
		size++;
	buf_add(reader->out, reader->at, size);
	buf_char(reader->out, ';');
	reader->at += size;
	return size > 0;
}

static bool
read_value(struct reader *reader)
{
	bool ok;

	skip_space(reader);
	switch (*reader->at) {
	case '{':
	case '[':
		if (reader->depth == JSON_DEPTH_MAX)
			return false;
		reader->depth++;
		ok = *reader->at == '{' ? read_object(reader) : read_array(reader);
		reader->depth--;
		return ok;
	case '"':
		buf_char(reader->out, '"');
		return read_string(reader);
	default:
		return text_is_alpha(*reader->at) ? read_word(reader) : read_number(reader);
	}
}

void
json_canonical(struct buf *out, const char *text)
{
	struct reader reader = { .at = text, .end = text + strlen(text), .out = out };

	(void)read_value(&reader);
}
