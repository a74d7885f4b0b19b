#include "db/pgjson.h"
#include "base/text.h"
#include "db/types.h"

/* A double keeps any decimal number of 15 significant digits (DBL_DIG). */
#define NUMERIC_DIGITS_MAX   15
#define NUMERIC_EXPONENT_MAX 300

typedef void writer(struct buf *out, const char *text, size_t size);

static writer write_string, write_bool, write_integer, write_float, write_numeric, write_json,
    write_timestamp;

/* What each type is to a handler, and how it is written; an array of it is an array of that. The
 * OIDs are those of pg_type.dat, unchanged since 9.4. */
static const struct {
	uint32_t oid;
	uint32_t array_oid;
	enum np_type type;
	writer *write;
} types[] = {
	{ 16, 1000, NP_TYPE_BOOL, write_bool },            /* bool */
	{ 21, 1005, NP_TYPE_INT, write_integer },          /* int2 */
	{ 23, 1007, NP_TYPE_INT, write_integer },          /* int4 */
	{ 20, 1016, NP_TYPE_INT, write_integer },          /* int8 */
	{ 26, 1028, NP_TYPE_STRING, write_integer },       /* oid */
	{ 700, 1021, NP_TYPE_FLOAT, write_float },         /* float4 */
	{ 701, 1022, NP_TYPE_FLOAT, write_float },         /* float8 */
	{ 1700, 1231, NP_TYPE_STRING, write_numeric },     /* numeric */
	{ 114, 199, NP_TYPE_JSON, write_json },            /* json */
	{ 3802, 3807, NP_TYPE_JSON, write_json },          /* jsonb */
	{ 1114, 1115, NP_TYPE_STRING, write_timestamp },   /* timestamp */
	{ 1184, 1185, NP_TYPE_DATETIME, write_timestamp }, /* timestamptz */
	{ 25, 1009, NP_TYPE_STRING, write_string },        /* text */
	{ 1043, 1015, NP_TYPE_STRING, write_string },      /* varchar */
	{ 1042, 1014, NP_TYPE_STRING, write_string },      /* char(n) */
	{ 18, 1002, NP_TYPE_STRING, write_string },        /* "char" */
	{ 19, 1003, NP_TYPE_STRING, write_string },        /* name */
	{ 17, 1001, NP_TYPE_STRING, write_string },        /* bytea */
	{ 2950, 2951, NP_TYPE_UUID, write_string },        /* uuid */
	{ 1082, 1182, NP_TYPE_DATE, write_string },        /* date */
	{ 1083, 1183, NP_TYPE_STRING, write_string },      /* time */
	{ 1266, 1270, NP_TYPE_STRING, write_string },      /* timetz */
	{ 1186, 1187, NP_TYPE_STRING, write_string },      /* interval */
	{ 869, 1041, NP_TYPE_STRING, write_string },       /* inet */
	{ 650, 651, NP_TYPE_STRING, write_string },        /* cidr */
};

static void
write_string(struct buf *out, const char *text, size_t size)
{
	buf_json_string(out, text, size);
}

static void
write_bool(struct buf *out, const char *text, size_t size)
{
	(void)size;
	buf_text(out, *text == 't' ? "true" : "false");
}

static void
write_integer(struct buf *out, const char *text, size_t size)
{
	buf_add(out, text, size);
}

/* JSON has no NaN, Infinity or -Infinity. */
static bool
is_number(const char *text, size_t size)
{
	bool integer;

	return size > 0 && json_number_size(text, size, &integer) == size;
}

static void
write_float(struct buf *out, const char *text, size_t size)
{
	if (is_number(text, size))
		buf_add(out, text, size);
	else
		buf_text(out, "null");
}

/* Counts the digits from the first to the last that is not zero. */
static size_t
significant_digits(const char *text, size_t size)
{
	size_t digits = 0, zeros = 0;

	for (size_t i = 0; i < size; i++) {
		if (!text_is_digit(text[i]))
			continue;
		if (text[i] == '0') {
			zeros += digits > 0;
		} else {
			digits += zeros + 1;
			zeros = 0;
		}
	}
	return digits;
}

static void
write_numeric(struct buf *out, const char *text, size_t size)
{
	if (!is_number(text, size))
		buf_text(out, "null");
	else if (significant_digits(text, size) <= NUMERIC_DIGITS_MAX
	         && size <= NUMERIC_EXPONENT_MAX)
		buf_add(out, text, size);
	else
		buf_json_string(out, text, size);
}

/* A line feed outside of a string is only layout; inside of one it is escaped already. */
static void
write_json(struct buf *out, const char *text, size_t size)
{
	size_t plain = 0;

	for (size_t i = 0; i < size; i++)
		if (text[i] == '\n' || text[i] == '\r') {
			buf_add(out, text + plain, i - plain);
			buf_char(out, ' ');
			plain = i + 1;
		}
	buf_add(out, text + plain, size - plain);
}

/* "2026-01-31 23:59:59.5": a year of four digits, not BC, not infinity. */
static bool
is_rfc3339_date_time(const char *text, size_t size)
{
	static const char form[] = "dddd-dd-dd dd:dd:dd";

	if (size < sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < sizeof(form) - 1; i++)
		if (form[i] == 'd' ? !text_is_digit(text[i]) : text[i] != form[i])
			return false;
	return true;
}

/* "+02" or "+05:30". */
static bool
is_offset(const char *text, size_t size)
{
	return (text[0] == '+' || text[0] == '-') && (size == 3 || size == 6)
	       && text_is_digit(text[1]) && text_is_digit(text[2])
	       && (size == 3
	           || (text[3] == ':' && text_is_digit(text[4]) && text_is_digit(text[5])));
}

/* "2026-01-31 23:59:59.5+00" becomes "2026-01-31T23:59:59.5+00:00". What RFC 3339 cannot express
 * (year 10000, BC, infinity, an offset with seconds) stays as Postgres writes it. */
static void
write_timestamp(struct buf *out, const char *text, size_t size)
{
	size_t at = sizeof("dddd-dd-dd dd:dd:dd") - 1, offset;

	if (is_rfc3339_date_time(text, size)) {
		if (at < size && text[at] == '.')
			for (at++; at < size && text_is_digit(text[at]);)
				at++;
		offset = size - at;
		if (offset == 0 || is_offset(text + at, offset)) {
			buf_char(out, '"');
			buf_add(out, text, 10);
			buf_char(out, 'T');
			buf_add(out, text + 11, size - 11);
			buf_text(out, offset == 3 ? ":00\"" : "\"");
			return;
		}
	}
	buf_json_string(out, text, size);
}

/* An array as array_out() writes it: {1,NULL,"a \"quoted\" one",{…}}, maybe after bounds:
 * [0:1]={…}. */
struct array {
	const char *at, *end;
	char delimiter;
	uint32_t item; /* the elements' type */
	struct buf *out;
};

static void
write_quoted_item(struct array *array)
{
	struct buf item;

	buf_init(&item, array->out->owner, (size_t)(array->end - array->at));
	for (array->at++; array->at < array->end && *array->at != '"'; array->at++) {
		if (*array->at == '\\' && array->end - array->at > 1)
			array->at++;
		buf_char(&item, *array->at);
	}
	array->at += array->at < array->end;
	pgjson_value(array->out, array->item, item.data, item.size);
	buf_release(&item);
}

static void
write_bare_item(struct array *array)
{
	const char *start = array->at;
	size_t size;

	while (array->at < array->end && *array->at != array->delimiter && *array->at != '}')
		array->at++;
	size = (size_t)(array->at - start);
	if (size == 4 && memcmp(start, "NULL", 4) == 0)
		buf_text(array->out, "null");
	else
		pgjson_value(array->out, array->item, start, size);
}

/* Braces are written as they come, so nesting needs no stack. */
static void
write_array(struct buf *out, const char *text, size_t size, uint32_t item, char delimiter)
{
	struct array array = { text, text + size, delimiter, item, out };

	if (size > 0 && *text == '[') {
		const char *equals = memchr(text, '=', size);

		array.at = equals ? equals + 1 : array.end;
	}
	while (array.at < array.end) {
		char c = *array.at;

		if (c == '{' || c == '}' || c == array.delimiter) {
			buf_char(out, c == '{' ? '[' : c == '}' ? ']' : ',');
			array.at++;
		} else if (c == '"') {
			write_quoted_item(&array);
		} else {
			write_bare_item(&array);
		}
	}
}

bool
pgjson_knows(uint32_t oid)
{
	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (types[i].oid == oid || types[i].array_oid == oid)
			return true;
	return false;
}

enum np_type
pgjson_value_type(uint32_t oid, bool *is_list)
{
	const struct known_type *known;
	enum np_type type;

	*is_list = false;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		*is_list = types[i].array_oid == oid;
		if (types[i].oid == oid || *is_list)
			return types[i].type;
	}
	known = types_find(oid);
	if (!known || known->kind == TYPE_PLAIN)
		return NP_TYPE_STRING;
	type = pgjson_value_type(known->inner, is_list);
	*is_list = *is_list || known->kind == TYPE_ARRAY;
	return type;
}

void
pgjson_value(struct buf *out, uint32_t oid, const char *text, size_t size)
{
	const struct known_type *known;

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (types[i].oid == oid) {
			types[i].write(out, text, size);
			return;
		}
		if (types[i].array_oid == oid) {
			write_array(out, text, size, types[i].oid, ',');
			return;
		}
	}
	known = types_find(oid);
	if (known && known->kind == TYPE_ARRAY)
		write_array(out, text, size, known->inner, known->delimiter);
	else if (known && known->kind == TYPE_DOMAIN)
		pgjson_value(out, known->inner, text, size);
	else
		write_string(out, text, size);
}
