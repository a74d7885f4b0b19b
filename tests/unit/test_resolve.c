#include "unit.h"

#include "base/resolve.h"

static void
localhost_has_an_address(void **state)
{
	struct addresses addresses;
	bool loopback = false;
	const char *why;

	(void)state;
	assert_true(resolve("localhost", deadline_in_ms(5000), &addresses, &why));
	for (size_t i = 0; i < addresses.count; i++)
		loopback = loopback || strcmp(addresses.texts[i], "127.0.0.1") == 0
		           || strcmp(addresses.texts[i], "::1") == 0;
	assert_true(loopback);
}

static void
an_answer_is_remembered(void **state)
{
	struct addresses addresses = { .count = 0 };
	const char *why;

	(void)state;
	assert_true(resolve("localhost", deadline_in_ms(5000), &addresses, &why));
	addresses.count = 0;
	assert_int_equal(resolve_start("localhost", &addresses, &why), RESOLVE_DONE);
	assert_true(addresses.count > 0);
}

static void
a_name_that_does_not_exist_is_a_fault_with_its_reason(void **state)
{
	struct addresses addresses;
	const char *why = "";

	(void)state;
	assert_false(resolve("no-such-host.invalid", deadline_in_ms(5000), &addresses, &why));
	assert_true(*why);
}

/* Without time there is no answer, and the question that is left behind does no harm to the next. */
static void
no_time_is_a_fault_and_the_next_question_is_answered(void **state)
{
	struct addresses addresses;
	const char *why;

	(void)state;
	for (int i = 0; i < 50; i++) {
		resolve_forget("localhost");
		if (!resolve("localhost", deadline_in_ms(-1), &addresses, &why))
			assert_string_equal(why, "no answer within the time allowed");
	}
	assert_true(resolve("localhost", deadline_in_ms(5000), &addresses, &why));
}

/* One that is being asked for keeps its place; the oldest that is not has to go. */
static void
more_names_than_places_are_all_answered(void **state)
{
	struct addresses addresses;
	const char *why;
	char host[32];

	(void)state;
	for (int i = 0; i < 20; i++) {
		(void)snprintf(host, sizeof(host), "none-%d.invalid", i);
		assert_int_not_equal(resolve_start(host, &addresses, &why), RESOLVE_DONE);
		assert_true(*why);
	}
	for (int i = 0; i < 3; i++)
		assert_true(resolve("localhost", deadline_in_ms(20000), &addresses, &why));
	assert_false(resolve("none-0.invalid", deadline_in_ms(20000), &addresses, &why));
}

static void
an_address_is_its_own_answer_and_no_name_is_none(void **state)
{
	static const char *const numeric[] = { "127.0.0.1", "::1", "2001:db8::1" };
	struct addresses addresses;
	char longest[2000];
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(numeric) / sizeof(numeric[0]); i++) {
		assert_int_equal(resolve_start(numeric[i], &addresses, &why), RESOLVE_DONE);
		assert_int_equal(addresses.count, 1);
		assert_string_equal(addresses.texts[0], numeric[i]);
	}
	assert_int_equal(resolve_start("", &addresses, &why), RESOLVE_FAILED);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(resolve_start(longest, &addresses, &why), RESOLVE_FAILED);
	assert_string_equal(why, "the name is too long");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(localhost_has_an_address),
		TEST(an_answer_is_remembered),
		TEST(a_name_that_does_not_exist_is_a_fault_with_its_reason),
		TEST(no_time_is_a_fault_and_the_next_question_is_answered),
		TEST(more_names_than_places_are_all_answered),
		TEST(an_address_is_its_own_answer_and_no_name_is_none),
	};

	return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
