/* Runs the check with a hash that is the same for all keys, so that only the comparison is left. */
#define HASH_PRIME 0
#include "../../common/http/json_check.c"

#include "unit.h"

static void
equal_hashes_do_not_make_equal_keys(void **state)
{
	static const struct {
		const char *about, *text;
		bool valid;
	} rows[] = {
		{ "other letters", "{\"a\":1,\"b\":2}", true },
		{ "a prefix of an earlier key", "{\"ab\":1,\"a\":2}", true },
		{ "a key that begins with an earlier one", "{\"a\":1,\"ab\":2}", true },
		{ "an empty key", "{\"\":1,\"a\":2}", true },
		{ "equal keys in two objects", "{\"a\":{\"a\":2}}", true },
		{ "equal keys", "{\"ab\":1,\"ab\":2}", false },
		{ "equal when decoded", "{\"ab\":1,\"a\\u0062\":2}", false },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		row_int(&rows[i], json_check(rows[i].text, strlen(rows[i].text), &err),
		        rows[i].valid);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { TEST(equal_hashes_do_not_make_equal_keys) };

	return cmocka_run_group_tests_name("json_check", tests, NULL, NULL);
}
