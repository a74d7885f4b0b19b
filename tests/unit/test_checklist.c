#include "unit.h"

#include "base/log.h"
#include "doctor/checklist.h"

static void
the_first_failed_check_is_the_one_to_fix(void **state)
{
	struct checklist checklist;

	checklist_init(&checklist, *state, false);
	assert_true(checklist_add(&checklist, true, "tcp", NULL, "%.1f ms", 0.5));
	assert_null(checklist.first_failed);
	assert_false(checklist_add(&checklist, false, "tls", "turn it on", "none"));
	assert_false(checklist_add(&checklist, false, "role", "make one", "app"));
	assert_string_equal(checklist.first_failed, "tls");
	assert_non_null(strstr(checklist.out.data, "\u2713 tcp          0.5 ms\n"));
	assert_non_null(strstr(checklist.out.data, "\u2717 tls          none\n"));
	assert_non_null(strstr(checklist.out.data, "               -> turn it on\n"));
}

static void
json_has_an_object_for_each_check(void **state)
{
	struct checklist checklist;
	struct json_object *root;

	checklist_init(&checklist, *state, true);
	(void)checklist_add(&checklist, true, "tcp", NULL, "say \"%s\"", "hi");
	(void)checklist_add(&checklist, false, "tls", "turn it on", "none");
	buf_text(&checklist.out, "]}");
	root = unit_json(*state, checklist.out.data);
	assert_string_equal(unit_at(root, "/checks/0/check"), "tcp");
	assert_string_equal(unit_at(root, "/checks/0/good"), "true");
	assert_string_equal(unit_at(root, "/checks/0/figure"), "say \"hi\"");
	assert_string_equal(unit_at(root, "/checks/0/advice"), "null");
	assert_string_equal(unit_at(root, "/checks/1/good"), "false");
	assert_string_equal(unit_at(root, "/checks/1/advice"), "turn it on");
}

static void
what_the_server_says_is_one_line_without_control_bytes(void **state)
{
	struct checklist checklist;

	checklist_init(&checklist, *state, false);
	(void)checklist_add(&checklist, false, "auth", NULL, "%s", "no\033[2J entry\nDETAIL: more");
	assert_non_null(strstr(checklist.out.data, "no?[2J entry\n"));
	assert_null(strstr(checklist.out.data, "DETAIL"));
}

static void
secrets_are_hidden(void **state)
{
	struct checklist checklist;

	checklist_init(&checklist, *state, false);
	log_secret("a-hidden-password");
	(void)checklist_add(&checklist, false, "auth", NULL, "%s", "no a-hidden-password here");
	assert_non_null(strstr(checklist.out.data, "no *** here\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_failed_check_is_the_one_to_fix),
		TEST(json_has_an_object_for_each_check),
		TEST(what_the_server_says_is_one_line_without_control_bytes),
		TEST(secrets_are_hidden),
	};

	return cmocka_run_group_tests_name("checklist", tests, NULL, NULL);
}
