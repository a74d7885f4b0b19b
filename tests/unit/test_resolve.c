#include "unit.h"

#include "db/resolve.h"

static void
localhost_has_an_address(void **state)
{
	struct addresses addresses;
	struct error err;
	bool loopback = false;

	(void)state;
	assert_true(resolve("localhost", deadline_in_ms(5000), &addresses, &err));
	for (size_t i = 0; i < addresses.count; i++)
		loopback = loopback || strcmp(addresses.texts[i], "127.0.0.1") == 0
		           || strcmp(addresses.texts[i], "::1") == 0;
	assert_true(loopback);
}

static void
a_name_that_does_not_exist_is_a_fault_with_its_reason(void **state)
{
	struct addresses addresses;
	struct error err;

	(void)state;
	assert_false(resolve("no-such-host.invalid", deadline_in_ms(5000), &addresses, &err));
	assert_int_equal(err.kind, NP_UNAVAILABLE);
	assert_non_null(strstr(err.detail, "no-such-host.invalid"));
}

/* Without time there is no answer, and the question that is left behind does no harm to the next. */
static void
no_time_is_a_fault_and_the_next_question_is_answered(void **state)
{
	struct addresses addresses;
	struct error err;

	(void)state;
	for (int i = 0; i < 50; i++)
		if (!resolve("localhost", deadline_in_ms(-1), &addresses, &err))
			assert_int_equal(err.kind, NP_UNAVAILABLE);
	assert_true(resolve("localhost", deadline_in_ms(5000), &addresses, &err));
	if (!resolve("localhost", deadline_in_ms(-1), &addresses, &err))
		assert_non_null(strstr(err.detail, "localhost"));
	assert_true(resolve("ip6-localhost", deadline_in_ms(5000), &addresses, &err)
	            || strstr(err.detail, "ip6-localhost"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(localhost_has_an_address),
		TEST(a_name_that_does_not_exist_is_a_fault_with_its_reason),
		TEST(no_time_is_a_fault_and_the_next_question_is_answered),
	};

	return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
