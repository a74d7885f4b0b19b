#include <errno.h>
#include <sys/time.h>

#include "base/poll.h"
#include "unit.h"

static int ends[2]; /* of a pipe */

static int
open_pipe(void **state)
{
	return pipe(ends) == 0 ? unit_setup(state) : -1;
}

static int
close_pipe(void **state)
{
	(void)close(ends[0]);
	(void)close(ends[1]);
	return unit_teardown(state);
}

static void
a_descriptor_with_the_event_is_ready(void **state)
{
	(void)state;
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(poll_until(ends[0], POLLIN, DEADLINE_NOW), POLL_READY);
	assert_int_equal(poll_until(ends[1], POLLOUT, DEADLINE_NEVER), POLL_READY);
}

static void
the_deadline_ends_a_wait(void **state)
{
	struct deadline deadline = deadline_in_ms(20);

	(void)state;
	assert_int_equal(poll_until(ends[0], POLLIN, DEADLINE_NOW), POLL_TIMEOUT);
	assert_int_equal(poll_until(ends[0], POLLIN, deadline), POLL_TIMEOUT);
	assert_true(deadline_passed(deadline));
}

static void
a_hangup_is_ready_too(void **state)
{
	(void)state;
	(void)close(ends[1]);
	ends[1] = -1;
	assert_int_equal(poll_until(ends[0], POLLIN, DEADLINE_NEVER), POLL_READY);
}

static void
no_descriptor_fails_at_once(void **state)
{
	(void)state;
	assert_int_equal(poll_until(-1, POLLIN, DEADLINE_NEVER), POLL_FAILED);
	assert_int_equal(errno, EBADF);
}

static void
ignore_signal(int signal)
{
	(void)signal;
}

static void
a_signal_does_not_end_a_wait(void **state)
{
	const struct sigaction action = { .sa_handler = ignore_signal };
	const struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, never = { { 0 }, { 0 } };
	struct deadline deadline = deadline_in_ms(50);

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	assert_int_equal(poll_until(ends[0], POLLIN, deadline), POLL_TIMEOUT);
	assert_true(deadline_passed(deadline));
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
}

static void
any_says_which_descriptor_is_ready(void **state)
{
	struct pollfd fds[] = { { .fd = ends[0], .events = POLLIN },
		                { .fd = -1, .events = POLLIN },
		                { .fd = ends[1], .events = POLLOUT } };

	(void)state;
	assert_int_equal(poll_any(fds, COUNT_OF(fds), DEADLINE_NEVER), POLL_READY);
	assert_int_equal(fds[0].revents, 0);
	assert_int_equal(fds[1].revents, 0);
	assert_int_equal(fds[2].revents, POLLOUT);
}

#define POLL_TEST(function) cmocka_unit_test_setup_teardown(function, open_pipe, close_pipe)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		POLL_TEST(a_descriptor_with_the_event_is_ready),
		POLL_TEST(the_deadline_ends_a_wait),
		POLL_TEST(a_hangup_is_ready_too),
		POLL_TEST(no_descriptor_fails_at_once),
		POLL_TEST(a_signal_does_not_end_a_wait),
		POLL_TEST(any_says_which_descriptor_is_ready),
	};

	return cmocka_run_group_tests_name("poll", tests, NULL, NULL);
}
