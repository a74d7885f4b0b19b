#include <limits.h>
#include <math.h>

#include "base/text.h"
#include "unit.h"

/* --- UTF-8, Unicode 15, table 3-7 --- */

static const struct utf8_row {
	const char *about;
	const char *bytes;
	size_t length; /* 0: rejected */
	uint32_t point;
} utf8_rows[] = {
	{ "ASCII", "a", 1, 'a' },
	{ "last one-byte character", "\x7f", 1, 0x7f },
	{ "first two-byte character", "\xc2\x80", 2, 0x80 },
	{ "last two-byte character", "\xdf\xbf", 2, 0x7ff },
	{ "first three-byte character", "\xe0\xa0\x80", 3, 0x800 },
	{ "last before the surrogates", "\xed\x9f\xbf", 3, 0xd7ff },
	{ "first after the surrogates", "\xee\x80\x80", 3, 0xe000 },
	{ "last three-byte character", "\xef\xbf\xbf", 3, 0xffff },
	{ "first four-byte character", "\xf0\x90\x80\x80", 4, 0x10000 },
	{ "an emoji", "\xf0\x9f\x98\x80", 4, 0x1f600 },
	{ "the last code point", "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
	{ "only the first character is read", "\xc3\xa9z", 2, 0xe9 },
	{ "above U+10FFFF", "\xf4\x90\x80\x80", 0, 0 },
	{ "a first byte of F5", "\xf5\x80\x80\x80", 0, 0 },
	{ "a first byte of FF", "\xff", 0, 0 },
	{ "a first byte of FE", "\xfe", 0, 0 },
	{ "overlong slash with two bytes", "\xc0\xaf", 0, 0 },
	{ "overlong NUL", "\xc0\x80", 0, 0 },
	{ "overlong DEL", "\xc1\xbf", 0, 0 },
	{ "overlong with three bytes", "\xe0\x9f\xbf", 0, 0 },
	{ "overlong with four bytes", "\xf0\x8f\xbf\xbf", 0, 0 },
	{ "first high surrogate", "\xed\xa0\x80", 0, 0 },
	{ "last low surrogate", "\xed\xbf\xbf", 0, 0 },
	{ "a continuation byte alone", "\x80", 0, 0 },
	{ "two bytes, truncated", "\xc3", 0, 0 },
	{ "three bytes, truncated", "\xe2\x82", 0, 0 },
	{ "four bytes, truncated", "\xf0\x9f\x98", 0, 0 },
	{ "second byte is no continuation", "\xe2\x28\xa1", 0, 0 },
	{ "third byte is no continuation", "\xe2\x82\x28", 0, 0 },
	{ "fourth byte is no continuation", "\xf0\x9f\x98\x28", 0, 0 },
	{ "nothing", "", 0, 0 },
};

static void
utf8_next_accepts_what_table_3_7_accepts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(utf8_rows); i++) {
		const struct utf8_row *row = &utf8_rows[i];
		uint32_t point = 0;

		row_int(row, utf8_next(row->bytes, strlen(row->bytes), &point), row->length);
		if (row->length > 0)
			row_int(row, point, row->point);
	}
}

static void
utf8_next_does_not_read_past_the_size(void **state)
{
	static const char euro[] = { '\xe2', '\x82', '\xac' };
	uint32_t point;

	(void)state;
	assert_int_equal(utf8_next(euro, 3, &point), 3);
	assert_int_equal(utf8_next(euro, 2, &point), 0);
	assert_int_equal(utf8_next(euro, 0, &point), 0);
}

static void
utf8_put_writes_what_utf8_next_reads(void **state)
{
	(void)state;
	for (uint32_t point = 0; point <= 0x10ffff; point++) {
		char bytes[4];
		uint32_t read = UINT32_MAX;
		size_t length;

		if (point >= 0xd800 && point <= 0xdfff)
			continue;
		length = utf8_put(point, bytes);
		if (utf8_next(bytes, length, &read) != length || read != point)
			fail_msg("U+%04X did not come back", (unsigned)point);
	}
}

static void
utf8_valid_counts_code_points(void **state)
{
	size_t points;

	(void)state;
	assert_true(utf8_valid("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10, &points));
	assert_int_equal(points, 4);
	assert_true(utf8_valid("", 0, &points));
	assert_int_equal(points, 0);
	assert_true(utf8_valid("a\0b", 3, NULL));
}

static void
utf8_valid_rejects_one_bad_byte_at_the_end(void **state)
{
	(void)state;
	assert_false(utf8_valid("abc\xff", 4, NULL));
	assert_false(utf8_valid("abc\xe2\x82", 5, NULL));
}

/* --- characters and comparisons --- */

static void
character_classes_are_ascii_only(void **state)
{
	(void)state;
	for (int c = CHAR_MIN; c <= CHAR_MAX; c++) {
		bool digit = c >= '0' && c <= '9';
		bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		assert_int_equal(text_is_digit((char)c), digit);
		assert_int_equal(text_is_alpha((char)c), alpha);
		assert_int_equal(text_is_alnum((char)c), digit || alpha);
	}
}

static void
hex_digits_have_their_values(void **state)
{
	(void)state;
	assert_int_equal(text_hex('0'), 0);
	assert_int_equal(text_hex('9'), 9);
	assert_int_equal(text_hex('a'), 10);
	assert_int_equal(text_hex('F'), 15);
	assert_int_equal(text_hex('g'), -1);
	assert_int_equal(text_hex('\0'), -1);
	assert_int_equal(text_hex('\xe9'), -1);
}

static void
lower_and_upper_change_ascii_letters_only(void **state)
{
	(void)state;
	assert_int_equal(text_lower('A'), 'a');
	assert_int_equal(text_lower('Z'), 'z');
	assert_int_equal(text_upper('a'), 'A');
	assert_int_equal(text_upper('z'), 'Z');
	for (int c = CHAR_MIN; c <= CHAR_MAX; c++)
		if (!text_is_alpha((char)c)) {
			assert_int_equal(text_lower((char)c), c);
			assert_int_equal(text_upper((char)c), c);
		}
}

static void
a_control_character_is_below_space_or_del(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++)
		assert_int_equal(text_is_control((char)c), c < 0x20 || c == 0x7f);
}

static void
equal_nocase_folds_ascii_only(void **state)
{
	(void)state;
	assert_true(text_equal_nocase("Require", "rEQUIRE"));
	assert_true(text_equal_nocase("", ""));
	assert_false(text_equal_nocase("require", "requir"));
	assert_false(text_equal_nocase("requir", "require"));
	assert_false(text_equal_nocase("\xc3\x89", "\xc3\xa9")); /* É, é */
	assert_false(text_equal_nocase("[", "{"));               /* 0x20 apart, as a and A are */
}

static void
starts_and_ends_compare_whole_texts(void **state)
{
	(void)state;
	assert_true(text_starts("endpoint=x", "endpoint="));
	assert_true(text_starts("x", ""));
	assert_false(text_starts("end", "endpoint="));
	assert_true(text_ends("a.sock", ".sock"));
	assert_true(text_ends("x", ""));
	assert_false(text_ends("sock", ".sock"));
	assert_false(text_ends("a.sock ", ".sock"));
}

/* --- numbers --- */

static const struct int_row {
	const char *about;
	const char *text;
	bool good;
	int64_t value;
} int_rows[] = {
	{ "zero", "0", true, 0 },
	{ "minus zero", "-0", true, 0 },
	{ "leading zeros", "007", true, 7 },
	{ "largest", "9223372036854775807", true, INT64_MAX },
	{ "smallest", "-9223372036854775808", true, INT64_MIN },
	{ "one too large", "9223372036854775808", false, 0 },
	{ "one too small", "-9223372036854775809", false, 0 },
	{ "much too large", "99999999999999999999999999", false, 0 },
	{ "empty", "", false, 0 },
	{ "minus alone", "-", false, 0 },
	{ "two minuses", "--1", false, 0 },
	{ "plus", "+1", false, 0 },
	{ "space before", " 1", false, 0 },
	{ "space behind", "1 ", false, 0 },
	{ "line feed behind", "1\n", false, 0 },
	{ "point", "1.0", false, 0 },
	{ "exponent", "1e3", false, 0 },
	{ "hexadecimal", "0x10", false, 0 },
	{ "separator", "1_000", false, 0 },
	{ "Arabic digits", "\xd9\xa1", false, 0 },
};

static void
parse_int_needs_the_whole_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(int_rows); i++) {
		const struct int_row *row = &int_rows[i];
		int64_t value = 77;

		row_int(row, parse_int(row->text, &value), row->good);
		row_int(row, value, row->good ? row->value : 77);
	}
}

static const struct float_row {
	const char *about;
	const char *text;
	bool good;
	double value;
} float_rows[] = {
	{ "zero", "0", true, 0 },
	{ "minus zero", "-0", true, 0 },
	{ "integer", "42", true, 42 },
	{ "fraction", "-1.5", true, -1.5 },
	{ "exponent", "1e3", true, 1000 },
	{ "capital exponent with a sign", "25E-1", true, 2.5 },
	{ "plus in the exponent", "1e+2", true, 100 },
	{ "smallest", "5e-324", true, 5e-324 },
	{ "zero with an exponent", "0e-400", true, 0 },
	{ "too small for a double", "1e-400", false, 0 },
	{ "largest", "1.7976931348623157e308", true, 1.7976931348623157e308 },
	{ "too large", "1e400", false, 0 },
	{ "too small to be finite", "-1e400", false, 0 },
	{ "NaN", "NaN", false, 0 },
	{ "nan", "nan", false, 0 },
	{ "Infinity", "Infinity", false, 0 },
	{ "inf", "-inf", false, 0 },
	{ "hexadecimal", "0x1p3", false, 0 },
	{ "leading zero", "01", false, 0 },
	{ "no digit before the point", ".5", false, 0 },
	{ "no digit behind the point", "5.", false, 0 },
	{ "no digit in the exponent", "1e", false, 0 },
	{ "plus", "+1", false, 0 },
	{ "space before", " 1", false, 0 },
	{ "space behind", "1 ", false, 0 },
	{ "comma", "1,5", false, 0 },
	{ "empty", "", false, 0 },
	{ "minus alone", "-", false, 0 },
};

static void
parse_float_accepts_finite_json_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(float_rows); i++) {
		const struct float_row *row = &float_rows[i];
		double value = 77;

		row_int(row, parse_float(row->text, &value), row->good);
		row_true(row, fabs(value - (row->good ? row->value : 77)) <= 0);
	}
}

static const struct number_row {
	const char *about;
	const char *text;
	size_t size;
	bool integer;
} number_rows[] = {
	{ "integer, then a comma", "12,3", 2, true },
	{ "fraction, then a bracket", "1.25]", 4, false },
	{ "exponent, then a letter", "1e5x", 3, false },
	{ "minus", "-3", 2, true },
	{ "zero, then a minus", "0-1", 1, true },
	{ "leading zero", "01", 0, true },
	{ "no number", "x1", 0, true },
	{ "minus alone", "-", 0, true },
	{ "nothing", "", 0, true },
};

static void
json_number_size_stops_where_the_number_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(number_rows); i++) {
		const struct number_row *row = &number_rows[i];
		bool integer;

		row_int(row, json_number_size(row->text, strlen(row->text), &integer), row->size);
		if (row->size > 0)
			row_int(row, integer, row->integer);
	}
}

static void
json_number_size_does_not_read_past_the_size(void **state)
{
	bool integer;

	(void)state;
	assert_int_equal(json_number_size("123", 2, &integer), 2);
	assert_int_equal(json_number_size("-1", 1, &integer), 0);
	assert_int_equal(json_number_size("1", 0, &integer), 0);
}

/* --- percent-decoding --- */

static const struct percent_row {
	const char *about;
	const char *text;
	bool plus;
	enum percent_result result;
	const char *decoded;
} percent_rows[] = {
	{ "plain", "abc", false, PERCENT_OK, "abc" },
	{ "empty", "", false, PERCENT_OK, "" },
	{ "one escape", "a%20b", false, PERCENT_OK, "a b" },
	{ "both cases of digits", "%2f%2F", false, PERCENT_OK, "//" },
	{ "escape at the end", "a%41", false, PERCENT_OK, "aA" },
	{ "decoded once", "%252e", false, PERCENT_OK, "%2e" },
	{ "plus stays", "a+b", false, PERCENT_OK, "a+b" },
	{ "plus is a space", "a+b", true, PERCENT_OK, "a b" },
	{ "an escaped plus stays a plus", "a%2Bb", true, PERCENT_OK, "a+b" },
	{ "UTF-8", "%C3%A9", false, PERCENT_OK, "\xc3\xa9" },
	{ "percent alone", "%", false, PERCENT_BROKEN, NULL },
	{ "one digit", "%4", false, PERCENT_BROKEN, NULL },
	{ "no digits", "%zz", false, PERCENT_BROKEN, NULL },
	{ "second is no digit", "%4z", false, PERCENT_BROKEN, NULL },
	{ "two percents", "%%41", false, PERCENT_BROKEN, NULL },
	{ "NUL", "a%00b", false, PERCENT_NUL, NULL },
};

static void
percent_decode_decodes_once_or_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(percent_rows); i++) {
		const struct percent_row *row = &percent_rows[i];
		char out[32];
		size_t size;

		row_int(row, percent_decode(row->text, strlen(row->text), row->plus, out, &size),
		        row->result);
		if (row->decoded) {
			row_text(row, out, row->decoded);
			row_int(row, size, strlen(row->decoded));
		}
	}
}

static void
percent_decode_does_not_read_past_the_size(void **state)
{
	char out[8];
	size_t size;

	(void)state;
	assert_int_equal(percent_decode("a%41", 3, false, out, &size), PERCENT_BROKEN);
	assert_int_equal(percent_decode("a%41", 1, false, out, &size), PERCENT_OK);
	assert_string_equal(out, "a");
}

static void
next_item_skips_commas_and_spaces_and_ends_with_0(void **state)
{
	const char *list = " a, bc,,d ", *none = NULL;
	size_t size = text_next_item(&list);

	(void)state;
	assert_int_equal(size, 1);
	assert_memory_equal(list, "a", 1);
	list += size;
	size = text_next_item(&list);
	assert_int_equal(size, 2);
	assert_memory_equal(list, "bc", 2);
	list += size;
	size = text_next_item(&list);
	assert_int_equal(size, 1);
	list += size;
	assert_int_equal(text_next_item(&list), 0);
	assert_int_equal(text_next_item(&none), 0);
}

static void
a_template_is_plain_text_and_names(void **state)
{
	static const struct template_row {
		const char *about, *template, *says; /* each part as plain<name>| */
	} template_rows[] = {
		{ "no name", "/users", "/users|" },
		{ "one at the end", "/users/{id}", "/users/<id>|" },
		{ "text after it", "/users/{id}/notes", "/users/<id>|/notes|" },
		{ "two side by side", "{a}{b}", "<a>|<b>|" },
		{ "not closed", "x{id", "x<id>|" },
		{ "empty name", "x{}y", "x<>|y|" },
		{ "nothing", "", "" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(template_rows); i++) {
		const char *template = template_rows[i].template;
		struct text_part part;
		char said[64] = "";
		size_t size = 0;

		while (text_next_part(&template, &part)) {
			size += (size_t)snprintf(said + size, sizeof(said) - size, "%.*s",
			                         (int)part.plain_size, part.plain);
			if (part.name)
				size += (size_t)snprintf(said + size, sizeof(said) - size, "<%.*s>",
				                         (int)part.name_size, part.name);
			size += (size_t)snprintf(said + size, sizeof(said) - size, "|");
		}
		row_text(&template_rows[i], said, template_rows[i].says);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(utf8_next_accepts_what_table_3_7_accepts),
		TEST(utf8_next_does_not_read_past_the_size),
		TEST(utf8_put_writes_what_utf8_next_reads),
		TEST(utf8_valid_counts_code_points),
		TEST(utf8_valid_rejects_one_bad_byte_at_the_end),
		TEST(character_classes_are_ascii_only),
		TEST(hex_digits_have_their_values),
		TEST(lower_and_upper_change_ascii_letters_only),
		TEST(a_control_character_is_below_space_or_del),
		TEST(equal_nocase_folds_ascii_only),
		TEST(starts_and_ends_compare_whole_texts),
		TEST(next_item_skips_commas_and_spaces_and_ends_with_0),
		TEST(a_template_is_plain_text_and_names),
		TEST(parse_int_needs_the_whole_text),
		TEST(parse_float_accepts_finite_json_numbers),
		TEST(json_number_size_stops_where_the_number_does),
		TEST(json_number_size_does_not_read_past_the_size),
		TEST(percent_decode_decodes_once_or_fails),
		TEST(percent_decode_does_not_read_past_the_size),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
