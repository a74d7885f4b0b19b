#include "base/base64url.h"
#include "unit.h"

static void
bytes_come_back(void **state)
{
	static const char bytes[] = "\0\xff\xfe\x3e\x3f any";
	size_t size;

	for (size_t count = 0; count <= sizeof(bytes); count++) {
		char *text = base64url_encode(*state, bytes, count);
		char *again = base64url_decode(*state, text, strlen(text), &size);

		assert_non_null(again);
		assert_int_equal(size, count);
		assert_memory_equal(again, bytes, count);
		assert_int_equal(again[size], '\0');
	}
	assert_string_equal(base64url_encode(*state, "\xfb\xff", 2), "-_8");
}

static void
one_value_has_one_text(void **state)
{
	static const struct {
		const char *about, *text;
	} rows[] = {
		{ "padding", "AA==" },
		{ "one digit", "A" },
		{ "unused bits set", "AB" },
		{ "the other alphabet's plus", "AA+A" },
		{ "the other alphabet's slash", "AA/A" },
		{ "white space", "AA AA" },
		{ "a line feed at the end", "AAAA\n" },
		{ "a byte above 0x7f, which libsodium takes for a digit", "\x80QID" },
		{ "another one", "AQI\xc3" },
	};
	size_t size;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		row_true(&rows[i],
		         !base64url_decode(*state, rows[i].text, strlen(rows[i].text), &size));
	assert_null(base64url_decode(*state, "AA\0A", 4, &size));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_come_back),
		TEST(one_value_has_one_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
