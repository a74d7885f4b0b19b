
#include "base/clock.h"
#include "serve/queue_wait.h"
#include "unit.h"

#define POOL_TIMEOUT_S 30

/* The stamp of a request that began to wait so long ago. */
static const char *
stamp_of(void *owner, int64_t waited_ms)
{
	int64_t start_ms = clock_wall_us() / 1000 - waited_ms;

	return mem_printf(owner, "%lld.%03lld", (long long)(start_ms / 1000),
	                  (long long)(start_ms % 1000));
}

static void
a_wait_is_the_time_since_the_stamp(void **state)
{
	int64_t waited_ms;

	queue_wait_sync_clock();
	waited_ms = queue_wait_ms(stamp_of(*state, 1500), POOL_TIMEOUT_S);
	assert_true(waited_ms >= 1500 && waited_ms < 11500);
}

static void
a_stamp_of_the_future_is_no_wait(void **state)
{
	queue_wait_sync_clock();
	assert_int_equal(queue_wait_ms(stamp_of(*state, -60000), POOL_TIMEOUT_S), 0);
}

static void
what_is_no_time_is_not_known(void **state)
{
	static const char *const stamps[] = { NULL, "", "now", "-1", "1e12", "nan", "1.5s" };

	(void)state;
	queue_wait_sync_clock();
	for (size_t i = 0; i < COUNT_OF(stamps); i++)
		assert_int_equal(queue_wait_ms(stamps[i], POOL_TIMEOUT_S), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_wait_is_the_time_since_the_stamp),
		TEST(a_stamp_of_the_future_is_no_wait),
		TEST(what_is_no_time_is_not_known),
	};

	return cmocka_run_group_tests_name("queue_wait", tests, NULL, NULL);
}
