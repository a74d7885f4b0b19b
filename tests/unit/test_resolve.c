#include "unit.h"

#include "db/resolve.h"

/* As a request does it: asks, and waits until its deadline. */
static bool
resolve_within(int64_t ms, const char *host, struct addresses *addresses, struct error *err)
{
	struct deadline deadline = deadline_in_ms(ms);
	enum resolve_outcome outcome;

	while ((outcome = resolve_start(host, addresses, err)) == RESOLVE_PENDING
	       && !deadline_passed(deadline))
		resolve_wait(deadline);
	if (outcome == RESOLVE_PENDING)
		resolve_late(host, err);
	return outcome == RESOLVE_DONE;
}

static void
localhost_has_an_address(void **state)
{
	struct addresses addresses;
	struct error err;
	bool loopback = false;

	(void)state;
	assert_true(resolve_within(5000, "localhost", &addresses, &err));
	for (size_t i = 0; i < addresses.count; i++)
		loopback = loopback || strcmp(addresses.texts[i], "127.0.0.1") == 0
		           || strcmp(addresses.texts[i], "::1") == 0;
	assert_true(loopback);
}

static void
an_answer_is_remembered(void **state)
{
	struct addresses addresses = { .count = 0 };
	struct error err;

	(void)state;
	assert_true(resolve_within(5000, "localhost", &addresses, &err));
	addresses.count = 0;
	assert_int_equal(resolve_start("localhost", &addresses, &err), RESOLVE_DONE);
	assert_true(addresses.count > 0);
}

static void
a_name_that_does_not_exist_is_a_fault_with_its_reason(void **state)
{
	struct addresses addresses;
	struct error err;

	(void)state;
	assert_false(resolve_within(5000, "no-such-host.invalid", &addresses, &err));
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
	for (int i = 0; i < 50; i++) {
		resolve_forget("localhost");
		if (!resolve_within(-1, "localhost", &addresses, &err))
			assert_int_equal(err.kind, NP_UNAVAILABLE);
	}
	assert_true(resolve_within(5000, "localhost", &addresses, &err));
	resolve_forget("localhost");
	if (!resolve_within(-1, "localhost", &addresses, &err))
		assert_non_null(strstr(err.detail, "localhost"));
	assert_true(resolve_within(5000, "ip6-localhost", &addresses, &err)
	            || strstr(err.detail, "ip6-localhost"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(localhost_has_an_address),
		TEST(an_answer_is_remembered),
		TEST(a_name_that_does_not_exist_is_a_fault_with_its_reason),
		TEST(no_time_is_a_fault_and_the_next_question_is_answered),
	};

	return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
