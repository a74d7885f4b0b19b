#include "http/json_canonical.h"
#include "unit.h"

static const char *
canonical(void *owner, const char *text)
{
	struct buf out;

	buf_init(&out, owner, JSON_CANONICAL_MAX_BYTES(strlen(text)));
	json_canonical(&out, text);
	assert_false(out.overflow);
	/* Makes the NUL that ends each string visible. */
	for (size_t i = 0; i < out.size; i++)
		if (!out.data[i])
			out.data[i] = '|';
	return out.data;
}

static void
equal_values_have_one_text(void **state)
{
	static const struct {
		const char *about, *one, *other;
	} rows[] = {
		{ "white space", "{\"a\":[1,true,null]}", " {\t\"a\" :\r\n[ 1 , true , null ] } " },
		{ "members", "{\"a\":1,\"b\":{\"c\":2,\"d\":3}}",
		  "{\"b\":{\"d\":3,\"c\":2},\"a\":1}" },
		{ "members of which one is a prefix of the other", "{\"a\":1,\"ab\":2,\"\":3}",
		  "{\"ab\":2,\"\":3,\"a\":1}" },
		{ "members in a list", "[{\"a\":1,\"b\":2},{\"b\":1,\"a\":2}]",
		  "[{\"b\":2,\"a\":1},{\"a\":2,\"b\":1}]" },
		{ "escapes", "\"A/\\n\xc3\xa9\xf0\x9f\x98\x80\"",
		  "\"\\u0041\\/\\u000a\\u00e9\\ud83d\\ude00\"" },
		{ "an escape in a name", "{\"a\":1,\"b\":2}", "{\"\\u0062\":2,\"\\u0061\":1}" },
		{ "a fraction of zero", "1", "1.0" },
		{ "an exponent", "1500", "1.5e3" },
		{ "a negative exponent", "-0.0015", "-15E-4" },
		{ "zeros inside", "1002003000", "1002003E+3" },
		{ "zero", "0", "0.00e7" },
		{ "minus zero", "-0", "-0.0e-3" },
		{ "a long number", "123456789012345678901234567890",
		  "1.2345678901234567890123456789e29" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		row_text(&rows[i], canonical(*state, rows[i].one),
		         canonical(*state, rows[i].other));
}

static void
different_values_have_different_texts(void **state)
{
	static const char *const values[] = {
		"null",
		"true",
		"false",
		"0",
		"-0",
		"1",
		"10",
		"-1",
		"1.5",
		"15",
		"0.1",
		"0.10000000000000000001",
		"\"\"",
		"\"1\"",
		"\"null\"",
		"\" \"",
		"[]",
		"{}",
		"[[]]",
		"[{}]",
		"[null]",
		"[1,5]",
		"[15]",
		"[5,1]",
		"[\"a\",\"b\"]",
		"[\"ab\"]",
		"[\"a\\\",\\\"b\"]",
		"[[1],2]",
		"[1,[2]]",
		"[[1,2]]",
		"{\"a\":1}",
		"{\"a\":\"1\"}",
		"{\"a\":null}",
		"{\"a\":{}}",
		"{\"a\":[]}",
		"{\"\":1}",
		"{\"a\":1,\"b\":2}",
		"{\"a\":2,\"b\":1}",
		"{\"a\":{\"b\":2}}",
		"{\"a\":{},\"b\":2}",
		"[{\"a\":1,\"b\":2}]",
		"[{\"a\":1},{\"b\":2}]",
	};

	for (size_t i = 0; i < COUNT_OF(values); i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(canonical(*state, values[i]),
			                        canonical(*state, values[j]));
}

/* json_check() refuses such texts first. Even so, nothing is read past the end, and nothing hangs.
 */
static void
a_text_that_is_not_json_is_read_within_its_bounds(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"{",
		"[",
		"[1",
		"[1,",
		"[1 2]",
		"{\"a\"",
		"{\"a\":",
		"{\"a\":1",
		"{\"a\":1,",
		"{\"a\" 1}",
		"{1:2}",
		"\"",
		"\"\\",
		"\"\\u12",
		"\"\\ud800\"",
		"-",
		"1e",
		"0.1e-9223372036854775808",
		"?",
		"]",
		"}",
		",",
		"[}",
		"{]",
		"[[[[[[[[[[[[[[[[[[[[[[[[",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":",
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		(void)canonical(*state, mem_strdup(*state, texts[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(equal_values_have_one_text),
		TEST(different_values_have_different_texts),
		TEST(a_text_that_is_not_json_is_read_within_its_bounds),
	};

	return cmocka_run_group_tests_name("json_canonical", tests, NULL, NULL);
}
