#include "base/error.h"
#include "unit.h"

static void
set_fills_kind_and_message_and_returns_false(void **state)
{
	struct error err;

	(void)state;
	assert_false(error_set(&err, FAILURE_CONFLICT, "only %d of \"%s\" are left", 2, "apples"));
	assert_int_equal(err.kind, FAILURE_CONFLICT);
	assert_string_equal(err.message, "only 2 of \"apples\" are left");
}

static void
set_overwrites_the_previous_error(void **state)
{
	struct error err;

	(void)state;
	memset(&err, 'x', sizeof(err));
	(void)error_set(&err, FAILURE_NOT_FOUND, "nothing");
	assert_string_equal(err.detail, "");
	assert_string_equal(err.sqlstate, "");
	assert_int_equal(err.retry_after_s, 0);
}

static void
detail_leaves_the_message_unchanged(void **state)
{
	struct error err;

	(void)state;
	(void)error_set(&err, FAILURE_UNAVAILABLE, "The database is not available");
	assert_false(error_detail(&err, "port %d: refused", 5432));
	assert_int_equal(err.kind, FAILURE_UNAVAILABLE);
	assert_string_equal(err.message, "The database is not available");
	assert_string_equal(err.detail, "port 5432: refused");
}

static void
a_text_that_is_too_long_is_cut(void **state)
{
	char text[2000];
	struct error err;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)error_set(&err, FAILURE_INTERNAL, "%s", text);
	(void)error_detail(&err, "%s", text);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	assert_int_equal(strlen(err.detail), sizeof(err.detail) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(set_fills_kind_and_message_and_returns_false),
		TEST(set_overwrites_the_previous_error),
		TEST(detail_leaves_the_message_unchanged),
		TEST(a_text_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
