/* The gate with a hash that is the same for all keys: what then remains is the comparison. */
#define HASH_PRIME 0
#include "../../common/http/json_check.c"

#include "unit.h"

static void
equal_hashes_do_not_make_equal_keys(void **state)
{
	static const struct {
		const char *about, *text;
		bool good;
	} rows[] = {
		{ "other letters", "{\"a\":1,\"b\":2}", true },
		{ "one begins like the other", "{\"ab\":1,\"a\":2}", true },
		{ "the other begins like the one", "{\"a\":1,\"ab\":2}", true },
		{ "an empty one", "{\"\":1,\"a\":2}", true },
		{ "in another object", "{\"a\":{\"a\":2}}", true },
		{ "equal", "{\"ab\":1,\"ab\":2}", false },
		{ "equal when decoded", "{\"ab\":1,\"a\\u0062\":2}", false },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		row_int(&rows[i], json_check(rows[i].text, strlen(rows[i].text), &err),
		        rows[i].good);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { TEST(equal_hashes_do_not_make_equal_keys) };

	return cmocka_run_group_tests_name("json_check", tests, NULL, NULL);
}
