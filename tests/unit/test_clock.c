#include <limits.h>

#include "base/clock.h"
#include "unit.h"

static void
now_does_not_go_back(void **state)
{
	int64_t before = clock_now_us();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_now_us();

		assert_true(now >= before);
		before = now;
	}
}

static void
no_more_than_the_deadline_time_is_left(void **state)
{
	int left = deadline_left_ms(deadline_in_ms(60000));

	(void)state;
	assert_true(left >= 50000 && left <= 60000);
}

static void
the_time_left_is_rounded_up(void **state)
{
	struct deadline deadline = { clock_now_us() + 60000500 };
	int left = deadline_left_ms(deadline);

	(void)state;
	assert_true(left >= 50000 && left <= 60001);
	/* With 0 for less than a millisecond a poll() would spin. */
	deadline.at_us = clock_now_us() + 900;
	left = deadline_left_ms(deadline);
	assert_true(left == 1 || clock_now_us() >= deadline.at_us);
}

static void
a_deadline_in_the_past_has_no_time_left(void **state)
{
	struct deadline deadline = { clock_now_us() - 5000000 };

	(void)state;
	assert_int_equal(deadline_left_ms(deadline), 0);
	assert_true(deadline_passed(deadline));
	assert_true(deadline_passed(deadline_in_ms(0)));
	assert_true(deadline_passed(deadline_in_ms(-1)));
	assert_false(deadline_passed(deadline_in_ms(60000)));
}

static void
a_distant_deadline_fits_an_int(void **state)
{
	(void)state;
	assert_int_equal(deadline_left_ms((struct deadline){ INT64_MAX }), INT_MAX);
}

static void
within_takes_the_earlier_one(void **state)
{
	struct deadline soon = deadline_in_ms(10), late = deadline_in_ms(600000);
	int left = deadline_left_ms(deadline_within_ms(late, 1000));

	(void)state;
	assert_int_equal(deadline_within_ms(soon, 60000).at_us, soon.at_us);
	assert_true(left >= 1 && left <= 1000);
}

static void
sleep_ends_at_the_deadline(void **state)
{
	int64_t start = clock_now_us();

	(void)state;
	clock_sleep_ms(60000, deadline_in_ms(20));
	assert_true(clock_now_us() - start >= 19000);
	assert_true(clock_now_us() - start < 30000000);
}

static void
sleep_lasts_the_given_time(void **state)
{
	int64_t start = clock_now_us();

	(void)state;
	clock_sleep_ms(20, deadline_in_ms(60000));
	assert_true(clock_now_us() - start >= 20000);
	assert_true(clock_now_us() - start < 30000000);
}

static void
the_wall_clock_is_rfc_3339_in_utc(void **state)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
	char text[CLOCK_TEXT_BYTES];
	time_t now = time(NULL);
	struct tm read = { .tm_isdst = 0 };

	(void)state;
	clock_text(text);
	assert_int_equal(strlen(text), sizeof(form) - 1);
	for (size_t i = 0; form[i]; i++)
		assert_true(form[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i]);
	assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &read));
	assert_true(timegm(&read) - now >= 0 && timegm(&read) - now < 60);
}

/* Every day of the years 1970 to 9999. */
static void
each_day_is_written_as_libc_writes_it(void **state)
{
	char text[CLOCK_TEXT_BYTES], want[CLOCK_TEXT_BYTES];
	struct tm utc;

	(void)state;
	for (time_t day = 0; day <= 2932896; day++) {
		struct timespec time = { .tv_sec = day * 86400 + day * 37 % 86400,
			                 .tv_nsec = 7999999 };

		clock_text_of(&time, text);
		assert_non_null(gmtime_r(&time.tv_sec, &utc));
		assert_true(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.007Z", &utc) > 0);
		if (strcmp(text, want) != 0)
			fail_msg("%s instead of %s", text, want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(now_does_not_go_back),
		TEST(no_more_than_the_deadline_time_is_left),
		TEST(the_time_left_is_rounded_up),
		TEST(a_deadline_in_the_past_has_no_time_left),
		TEST(a_distant_deadline_fits_an_int),
		TEST(within_takes_the_earlier_one),
		TEST(sleep_ends_at_the_deadline),
		TEST(sleep_lasts_the_given_time),
		TEST(the_wall_clock_is_rfc_3339_in_utc),
		TEST(each_day_is_written_as_libc_writes_it),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
