#include <inttypes.h>

#include "base/buf.h"
#include "unit.h"

static void
a_growing_buffer_keeps_its_contents(void **state)
{
	struct buf buf;

	buf_init(&buf, *state, 100000);
	for (int i = 0; i < 10000; i++)
		buf_printf(&buf, "%d,", i % 10);
	assert_false(buf.overflow);
	assert_int_equal(buf.size, 20000);
	assert_memory_equal(buf.data + 19996, "8,9,", 5);
}

static void
numbers_are_written_as_printf_writes_them(void **state)
{
	static const int64_t numbers[] = {
		0, 9, 10, -1, 1000, -1234567890123, INT64_MAX, INT64_MIN
	};

	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct buf ours, theirs;

		buf_init(&ours, *state, 100);
		buf_init(&theirs, *state, 100);
		buf_int(&ours, numbers[i]);
		buf_printf(&theirs, "%" PRId64, numbers[i]);
		assert_string_equal(ours.data, theirs.data);
	}
}

static void
printf_works_at_every_length_around_the_capacity(void **state)
{
	for (int before = 0; before < 300; before++) {
		struct buf buf;

		buf_init(&buf, *state, 1000);
		for (int i = 0; i < before; i++)
			buf_char(&buf, 'x');
		buf_printf(&buf, "%s-%d", "0123456789", 42);
		assert_int_equal(buf.size, (size_t)before + 13);
		assert_string_equal(buf.data + before, "0123456789-42");
	}
}

static void
a_buffer_fills_up_to_its_maximum_exactly(void **state)
{
	struct buf buf;

	buf_init(&buf, *state, 300);
	for (int i = 0; i < 300; i++)
		buf_char(&buf, 'x');
	assert_false(buf.overflow);
	buf_char(&buf, 'x');
	assert_true(buf.overflow);
	assert_int_equal(buf.size, 300);
	assert_int_equal(strlen(buf.data), 300);
}

static void
fixed_storage_holds_its_size_less_the_nul(void **state)
{
	char storage[8];
	struct buf buf;

	(void)state;
	buf_init_fixed(&buf, storage, sizeof(storage));
	assert_string_equal(storage, "");
	buf_text(&buf, "1234567");
	assert_false(buf.overflow);
	assert_string_equal(storage, "1234567");
	buf_char(&buf, '8');
	assert_true(buf.overflow);
	assert_string_equal(storage, "1234567");
}

static void
an_overflow_is_remembered_and_stops_further_appends(void **state)
{
	char storage[8];
	struct buf buf;

	(void)state;
	buf_init_fixed(&buf, storage, sizeof(storage));
	buf_text(&buf, "12");
	buf_text(&buf, "a text that is too long");
	assert_true(buf.overflow);
	assert_string_equal(storage, "12");
	buf_char(&buf, '3');
	buf_printf(&buf, "%d", 4);
	assert_true(buf.overflow);
	assert_string_equal(storage, "12");
}

static void
printf_that_does_not_fit_writes_nothing(void **state)
{
	char storage[8];
	struct buf buf;

	(void)state;
	buf_init_fixed(&buf, storage, sizeof(storage));
	buf_printf(&buf, "%s-%d", "abcdef", 12);
	assert_true(buf.overflow);
	assert_string_equal(storage, "");
	assert_int_equal(buf.size, 0);
}

static void
reset_clears_contents_and_overflow(void **state)
{
	char storage[4];
	struct buf buf;

	(void)state;
	buf_init_fixed(&buf, storage, sizeof(storage));
	buf_text(&buf, "too long");
	buf_reset(&buf);
	assert_false(buf.overflow);
	buf_text(&buf, "abc");
	assert_string_equal(storage, "abc");
}

static void
bytes_may_contain_nul(void **state)
{
	struct buf buf;

	buf_init(&buf, *state, 10);
	buf_add(&buf, "a\0b", 3);
	buf_add(&buf, NULL, 0);
	assert_int_equal(buf.size, 3);
	assert_memory_equal(buf.data, "a\0b", 4);
}

static void
release_frees_the_storage_before_its_owner_does(void **state)
{
	struct buf buf;

	buf_init(&buf, *state, 10);
	buf_text(&buf, "abc");
	buf_release(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.size, 0);
}

static const struct json_row {
	const char *about;
	const char *text;
	const char *json;
} json_rows[] = {
	{ "plain", "abc", "\"abc\"" },
	{ "empty", "", "\"\"" },
	{ "quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ "slash is not escaped", "a/b", "\"a/b\"" },
	{ "short escapes", "\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\"" },
	{ "control bytes without a short escape", "\x01\x0b\x1f", "\"\\u0001\\u000b\\u001f\"" },
	{ "escape sequence of a terminal", "\x1b[31m", "\"\\u001b[31m\"" },
	{ "DEL", "\x7f", "\"\\u007f\"" },
	{ "UTF-8 stands as it is", "\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
	{ "line separator", "a\xe2\x80\xa8z", "\"a\\u2028z\"" },
	{ "paragraph separator", "a\xe2\x80\xa9z", "\"a\\u2029z\"" },
	{ "a neighbour of the separators", "\xe2\x80\xaa", "\"\xe2\x80\xaa\"" },
	{ "a byte that is no UTF-8", "a\xffz", "\"a\xef\xbf\xbdz\"" },
	{ "a continuation byte alone", "\x80", "\"\xef\xbf\xbd\"" },
	{ "a quote behind a broken character", "\xc3\"", "\"\xef\xbf\xbd\\\"\"" },
};

static void
json_strings_are_escaped(void **state)
{
	for (size_t i = 0; i < COUNT_OF(json_rows); i++) {
		const struct json_row *row = &json_rows[i];
		struct buf buf;

		buf_init(&buf, *state, 100);
		buf_json_text(&buf, row->text);
		row_text(row, buf.data, row->json);
	}
}

static void
a_json_string_may_contain_nul(void **state)
{
	struct buf buf;

	buf_init(&buf, *state, 100);
	buf_json_string(&buf, "a\0b", 3);
	assert_string_equal(buf.data, "\"a\\u0000b\"");
}

/* Overlong forms, surrogates, truncated characters: no decoder must ever see them. */
static void
invalid_utf8_becomes_valid_json(void **state)
{
	static const char *const broken[] = { "\xc0\xaf", "\xed\xa0\x80",     "\xe2\x82",
		                              "\xf0\x9f", "\xf4\x90\x80\x80", "\xfe\xff" };

	for (size_t i = 0; i < COUNT_OF(broken); i++) {
		struct buf buf;

		buf_init(&buf, *state, 100);
		buf_json_text(&buf, broken[i]);
		assert_non_null(strstr(unit_at(unit_json(*state, buf.data), ""), "\xef\xbf\xbd"));
	}
}

static void
every_byte_becomes_valid_json(void **state)
{
	char bytes[256];
	struct buf buf;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	buf_init(&buf, *state, 4096);
	buf_json_string(&buf, bytes, sizeof(bytes));
	assert_false(buf.overflow);
	(void)unit_json(*state, buf.data);
	for (size_t i = 0; i < buf.size; i++)
		assert_true((unsigned char)buf.data[i] >= 0x20);
}

static const struct percent_row {
	const char *about;
	const char *text;
	const char *keep;
	const char *encoded;
} percent_rows[] = {
	{ "unreserved characters stay", "aZ09-._~", "", "aZ09-._~" },
	{ "all others are encoded", "a b/c@d:e?f#g%", "", "a%20b%2Fc%40d%3Ae%3Ff%23g%25" },
	{ "exceptions stay", "/run/x y", "/", "/run/x%20y" },
	{ "UTF-8 by bytes", "\xc3\xa9", "", "%C3%A9" },
	{ "control bytes", "\n\x7f", "", "%0A%7F" },
	{ "empty", "", "", "" },
};

static void
percent_encodes_all_but_unreserved(void **state)
{
	for (size_t i = 0; i < COUNT_OF(percent_rows); i++) {
		const struct percent_row *row = &percent_rows[i];
		struct buf buf;

		buf_init(&buf, *state, 100);
		buf_percent(&buf, row->text, row->keep);
		row_text(row, buf.data, row->encoded);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_growing_buffer_keeps_its_contents),
		TEST(numbers_are_written_as_printf_writes_them),
		TEST(printf_works_at_every_length_around_the_capacity),
		TEST(a_buffer_fills_up_to_its_maximum_exactly),
		TEST(fixed_storage_holds_its_size_less_the_nul),
		TEST(an_overflow_is_remembered_and_stops_further_appends),
		TEST(printf_that_does_not_fit_writes_nothing),
		TEST(reset_clears_contents_and_overflow),
		TEST(bytes_may_contain_nul),
		TEST(release_frees_the_storage_before_its_owner_does),
		TEST(json_strings_are_escaped),
		TEST(a_json_string_may_contain_nul),
		TEST(invalid_utf8_becomes_valid_json),
		TEST(every_byte_becomes_valid_json),
		TEST(percent_encodes_all_but_unreserved),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
