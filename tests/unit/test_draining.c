#include "serve/draining.h"
#include "unit.h"

#define VARIABLE "NULLPOOL_DRAINING"

/* Sleeps, and only SIGKILL ends it. */
static pid_t
start_stubborn_child(void)
{
	pid_t pid;

	/* Before the fork: the child inherits it. */
	(void)signal(SIGABRT, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		(void)alarm(60);
		for (;;)
			(void)pause();
	}
	(void)signal(SIGABRT, SIG_DFL);
	assert_true(pid > 0);
	return pid;
}

static struct draining *
read_variable(void *owner, const char *text)
{
	assert_int_equal(setenv(VARIABLE, text, 1), 0);
	return draining_read_environment(owner);
}

static void
no_variable_is_no_worker(void **state)
{
	struct draining *draining;

	(void)unsetenv(VARIABLE);
	draining = draining_read_environment(*state);
	assert_true(draining_due(draining).at_us == INT64_MAX);
	assert_true(draining_last_hung_at(draining).at_us == 0);
	assert_false(draining_on_child_exit(draining, 4711, 0));
}

static void
reads_workers_and_skips_what_is_none(void **state)
{
	struct draining *draining = read_variable(
	    *state, "4711:2000 x 1:5 -3:5 12: :7 99999999999:5 4712:1000  ");

	assert_null(getenv(VARIABLE));
	assert_true(draining_due(draining).at_us == 1000);
	assert_true(draining_last_hung_at(draining).at_us == 2000);
	assert_true(draining_on_child_exit(draining, 4712, 0));
	assert_false(draining_on_child_exit(draining, 4712, 0));
	assert_true(draining_due(draining).at_us == 2000);
	assert_true(draining_on_child_exit(draining, 4711, 0));
	assert_true(draining_due(draining).at_us == INT64_MAX);
}

static void
one_that_hangs_is_aborted_and_then_killed(void **state)
{
	pid_t pid = start_stubborn_child();
	struct draining *draining = read_variable(*state, mem_printf(*state, "%d:1", (int)pid));
	struct deadline killed_at;
	int status;

	assert_true(deadline_passed(draining_due(draining)));
	draining_end_hung(draining);
	killed_at = draining_due(draining);
	assert_true(!deadline_passed(killed_at) && deadline_left_ms(killed_at) <= 500);
	draining_end_hung(draining); /* is not due yet */
	assert_true(draining_due(draining).at_us == killed_at.at_us);
	clock_sleep_ms(1000, killed_at);
	while (!deadline_passed(killed_at))
		clock_sleep_ms(1, killed_at);
	draining_end_hung(draining);
	assert_true(draining_due(draining).at_us == INT64_MAX);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_variable_is_no_worker),
		TEST(reads_workers_and_skips_what_is_none),
		TEST(one_that_hangs_is_aborted_and_then_killed),
	};

	return cmocka_run_group_tests_name("draining", tests, NULL, NULL);
}
