#include "base/buf.h"
#include "http/cursor.h"
#include "unit.h"

static const char *
written(void *owner, const char *const *keys, size_t count)
{
	struct buf out;

	buf_init(&out, owner, 4096);
	cursor_write(&out, keys, count);
	assert_false(out.overflow);
	return out.data;
}

static const struct trip_row {
	const char *about;
	size_t count;
	const char *keys[CURSOR_KEYS_MAX];
} trip_rows[] = {
	{ "one byte", 1, { "1" } },
	{ "two bytes", 1, { "12" } },
	{ "three bytes", 1, { "123" } },
	{ "a time and a UUID",
	  2,
	  { "2026-01-31 23:59:59.123456+00", "018f4e4e-7f3a-7000-8000-000000000000" } },
	{ "all five", 5, { "a", "b", "c", "d", "e" } },
	{ "an empty key inside", 3, { "a", "", "c" } },
	{ "an empty key at the end", 2, { "a", "" } },
	{ "separators and escapes",
	  3,
	  { "\x1f", "\x1e\x1e\x1f",
	    "e\x1e"
	    "f\x1f"
	    "f" } },
	{ "UTF-8", 1, { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" } },
};

static void
keys_come_back_as_they_were_written(void **state)
{
	for (size_t i = 0; i < COUNT_OF(trip_rows); i++) {
		const struct trip_row *row = &trip_rows[i];
		const char *keys[CURSOR_KEYS_MAX] = { "x", "x", "x", "x" };

		row_true(row, cursor_read(*state, written(*state, row->keys, row->count), keys));
		for (size_t j = 0; j < CURSOR_KEYS_MAX; j++)
			row_text(row, keys[j], j < row->count ? row->keys[j] : NULL);
	}
}

static void
an_empty_key_comes_back(void **state)
{
	const char *const empty[] = { "" };
	const char *keys[CURSOR_KEYS_MAX];

	assert_true(cursor_read(*state, written(*state, empty, 1), keys));
	assert_string_equal(keys[0], "");
	assert_null(keys[1]);
}

static void
an_overflow_of_the_buffer_is_kept(void **state)
{
	const char *const keys[] = { "a" };
	struct buf out;

	buf_init(&out, *state, 8);
	buf_text(&out, "more than 8");
	assert_true(out.overflow);
	cursor_write(&out, keys, 1);
	assert_true(out.overflow);
}

static void
a_cursor_needs_no_escape_in_a_url(void **state)
{
	for (size_t i = 0; i < COUNT_OF(trip_rows); i++) {
		const struct trip_row *row = &trip_rows[i];
		const char *text = written(*state, row->keys, row->count);

		row_int(row,
		        strspn(text,
		               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
		        strlen(text));
	}
}

static void
a_cursor_is_base64url_without_padding(void **state)
{
	assert_string_equal(written(*state, (const char *const[]){ "a" }, 1), "H2E");
	assert_string_equal(written(*state, (const char *const[]){ "ab" }, 1), "H2Fi");
	assert_string_equal(written(*state, (const char *const[]){ "abc" }, 1), "H2FiYw");
	assert_string_equal(written(*state, (const char *const[]){ "~~~?" }, 1), "H35-fj8");
}

static const struct forged_row {
	const char *about;
	const char *text;
} forged_rows[] = {
	{ "empty", "" },
	{ "one digit", "H" },
	{ "a digit too many", "H2FiA" },
	{ "padding", "H2E=" },
	{ "extra bits after two digits", "H2FiYx" },
	{ "extra bits after three digits", "H2F" },
	{ "the alphabet of plain base64", "H35+fj8" },
	{ "space", "H2 Fi" },
	{ "line feed", "H2Fi\n" },
	{ "not ASCII", "H2\xc3\xa9" },
	{ "NUL", "H2EAYg" },
	{ "not UTF-8", "H_8" },
	{ "six keys", "H2EfYh9jH2QfZR9m" },
	{ "no separator before the first key", "YWJj" },
	{ "a URL", "/users?after=x" },
	{ "an unknown escape", "H2Ee" },
	{ "an escape of a letter", "H2EeYQ" },
};

static void
a_forged_cursor_is_refused(void **state)
{
	for (size_t i = 0; i < COUNT_OF(forged_rows); i++) {
		const struct forged_row *row = &forged_rows[i];
		const char *keys[CURSOR_KEYS_MAX];

		row_true(row, !cursor_read(*state, row->text, keys));
	}
}

static char *
repeated(void *owner, size_t size)
{
	char *text = mem_resize(owner, NULL, size + 1);

	memset(text, 'Z', size);
	text[size] = '\0';
	return text;
}

static void
a_cursor_that_is_too_long_is_refused(void **state)
{
	const char *keys[CURSOR_KEYS_MAX];
	struct buf text;

	/* "H2Fh" is the separator and "aa", "YWFh" is "aaa". */
	buf_init(&text, *state, 4096);
	buf_text(&text, "H2Fh");
	for (size_t i = 1; i < CURSOR_MAX_BYTES / 4; i++)
		buf_text(&text, "YWFh");
	assert_true(cursor_read(*state, text.data, keys));
	buf_text(&text, "YWFh");
	assert_false(cursor_read(*state, text.data, keys));
}

/* A page must not end in a "next" that is then refused. */
static void
each_written_cursor_can_be_read(void **state)
{
	for (size_t size = 1400; size < 2100; size++) {
		const char *key = repeated(*state, size), *keys[CURSOR_KEYS_MAX];
		struct buf out;

		buf_init(&out, *state, 4096);
		cursor_write(&out, &key, 1);
		if (!out.overflow && !cursor_read(*state, out.data, keys))
			fail_msg("a key of %zu bytes was written but not read", size);
	}
}

/* A name that a user chose may have any character that JSON can have. */
static void
a_key_with_a_control_character_stays_one_key(void **state)
{
	for (char c = 1; c < 0x20; c++) {
		const char *key = mem_printf(*state, "a%cb", c), *keys[CURSOR_KEYS_MAX];
		struct buf out;

		buf_init(&out, *state, 4096);
		cursor_write(&out, &key, 1);
		assert_false(out.overflow);
		assert_true(cursor_read(*state, out.data, keys));
		assert_string_equal(keys[0], key);
		assert_null(keys[1]);
	}
}

static void
a_key_that_is_too_long_overflows(void **state)
{
	const char *key = repeated(*state, CURSOR_MAX_BYTES / 4 * 3 - 1);
	struct buf out;

	buf_init(&out, *state, 4096);
	cursor_write(&out, &key, 1);
	assert_false(out.overflow);
	assert_int_equal(out.size, CURSOR_MAX_BYTES);
	key = repeated(*state, CURSOR_MAX_BYTES / 4 * 3);
	buf_init(&out, *state, 4096);
	cursor_write(&out, &key, 1);
	assert_true(out.overflow);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_come_back_as_they_were_written),
		TEST(an_empty_key_comes_back),
		TEST(an_overflow_of_the_buffer_is_kept),
		TEST(a_cursor_needs_no_escape_in_a_url),
		TEST(a_cursor_is_base64url_without_padding),
		TEST(a_forged_cursor_is_refused),
		TEST(a_cursor_that_is_too_long_is_refused),
		TEST(each_written_cursor_can_be_read),
		TEST(a_key_with_a_control_character_stays_one_key),
		TEST(a_key_that_is_too_long_overflows),
	};

	return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
