#include "base/hash.h"
#include "unit.h"

static void
unseal_needs_the_same_key_and_context(void **state)
{
	static const char text[] = "201\n\n{\"token\":\"secret\"}";
	unsigned char key[HASH_KEY_BYTES], other[HASH_KEY_BYTES];
	char *sealed, *changed;
	size_t size;

	hash_derive_key("a secret", "one purpose", key);
	hash_derive_key("a secret", "another purpose", other);
	assert_memory_not_equal(key, other, sizeof(key));
	sealed = seal(*state, key, "context", text, strlen(text));
	assert_null(strstr(sealed, "secret"));
	assert_string_not_equal(sealed, seal(*state, key, "context", text, strlen(text)));
	assert_string_equal(unseal(*state, key, "context", sealed, &size), text);
	assert_int_equal(size, strlen(text));
	assert_null(unseal(*state, other, "context", sealed, &size));
	assert_null(unseal(*state, key, "other context", sealed, &size));
	for (size_t i = 0; sealed[i]; i++) {
		changed = mem_strdup(*state, sealed);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_null(unseal(*state, key, "context", changed, &size));
		assert_null(unseal(*state, key, "context", mem_strndup(*state, sealed, i), &size));
	}
	assert_string_equal(unseal(*state, key, "", seal(*state, key, "", "", 0), &size), "");
}

static void
no_byte_moves_from_one_part_to_the_next(void **state)
{
	static const struct hash_part parts[][3] = {
		{ { "ab", 2 }, { "c", 1 }, { "", 0 } },   { { "a", 1 }, { "bc", 2 }, { "", 0 } },
		{ { "abc", 3 }, { "", 0 }, { "", 0 } },   { { "", 0 }, { "abc", 3 }, { "", 0 } },
		{ { "abc", 3 }, { "", 0 }, { NULL, 0 } }, { { "abc", 3 }, { NULL, 0 }, { "", 0 } },
	};
	char hashes[COUNT_OF(parts) + 2][HASH_TEXT_BYTES];
	unsigned char key[HASH_KEY_BYTES];

	(void)state;
	hash_derive_key("a secret", "a purpose", key);
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		hash_parts(NULL, parts[i], 3, hashes[i]);
	hash_parts(NULL, parts[0], 2, hashes[COUNT_OF(parts)]);
	hash_parts(key, parts[0], 3, hashes[COUNT_OF(parts) + 1]);
	for (size_t i = 0; i < COUNT_OF(hashes); i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(hashes[i], hashes[j]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unseal_needs_the_same_key_and_context),
		TEST(no_byte_moves_from_one_part_to_the_next),
	};

	if (!hash_init())
		return 1;
	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
