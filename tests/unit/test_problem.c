#include "http/problem.h"
#include "unit.h"

static struct json_object *
document(void *owner, const struct problem *problem, struct reply *reply)
{
	reply_init(reply, owner);
	problem_write(reply, problem);
	assert_false(reply->body.overflow);
	return unit_json(owner, reply->body.data);
}

static void
a_problem_has_the_members_of_rfc_9457(void **state)
{
	const struct problem problem = { 404, "There is nothing at this path", "abc-123", NULL,
		                         false };
	struct reply reply;
	struct json_object *json = document(*state, &problem, &reply);

	assert_int_equal(reply.status, 404);
	assert_string_equal(reply.content_type, "application/problem+json");
	assert_string_equal(unit_at(json, "/type"), "about:blank");
	assert_string_equal(unit_at(json, "/title"), "Not Found");
	assert_string_equal(unit_at(json, "/status"), "404");
	assert_string_equal(unit_at(json, "/detail"), "There is nothing at this path");
	assert_string_equal(unit_at(json, "/request_id"), "abc-123");
	assert_int_equal(json_object_object_length(json), 5);
}

static void
the_status_is_a_number(void **state)
{
	const struct problem problem = { 500, NULL, "id", NULL, false };
	struct reply reply;
	struct json_object *json = document(*state, &problem, &reply), *status;

	assert_true(json_object_object_get_ex(json, "status", &status));
	assert_true(json_object_is_type(status, json_type_int));
}

static void
absent_members_are_left_out(void **state)
{
	static const struct param_faults none = { .count = 0 };
	const struct problem problem = { 500, NULL, "id", &none, false };
	struct reply reply;
	struct json_object *json = document(*state, &problem, &reply);

	assert_null(unit_at(json, "/detail"));
	assert_null(unit_at(json, "/errors"));
	assert_null(unit_at(json, "/outcome"));
}

static void
each_fault_of_a_value_is_listed(void **state)
{
	static const struct param_faults faults = {
		.items = { { "query", "limit", "must be a whole number" },
		           { "body", "a\"b\n", "is required" } },
		.count = 2,
	};
	const struct problem problem = { 422, "2 values are invalid", "id", &faults, false };
	struct reply reply;
	struct json_object *json = document(*state, &problem, &reply);

	assert_string_equal(unit_at(json, "/errors/0/in"), "query");
	assert_string_equal(unit_at(json, "/errors/0/name"), "limit");
	assert_string_equal(unit_at(json, "/errors/0/message"), "must be a whole number");
	assert_string_equal(unit_at(json, "/errors/1/in"), "body");
	assert_string_equal(unit_at(json, "/errors/1/name"), "a\"b\n");
	assert_null(unit_at(json, "/errors/2"));
}

static void
a_lost_commit_has_an_unknown_outcome(void **state)
{
	const struct problem problem = { 503, "The connection was lost", "id", NULL, true };
	struct reply reply;

	assert_string_equal(unit_at(document(*state, &problem, &reply), "/outcome"), "unknown");
}

static void
text_of_a_client_is_escaped(void **state)
{
	const struct problem problem = { 400, "a \"quote\", \x1b and \xff", "id", NULL, false };
	struct reply reply;
	struct json_object *json = document(*state, &problem, &reply);

	assert_string_equal(unit_at(json, "/detail"), "a \"quote\", \x1b and \xef\xbf\xbd");
}

static void
a_problem_replaces_the_reply(void **state)
{
	const struct problem problem = { 409, "x", "id", NULL, false };
	struct reply reply;

	reply_init(&reply, *state);
	buf_text(&reply.body, "{\"id\":1");
	reply_set_header(&reply, "Location", "/users/1");
	reply.status = NP_STATUS_CREATED;
	problem_write(&reply, &problem);
	assert_int_equal(reply.status, 409);
	assert_int_equal(reply.header_count, 0);
	assert_string_equal(unit_at(unit_json(*state, reply.body.data), "/title"), "Conflict");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_problem_has_the_members_of_rfc_9457), TEST(the_status_is_a_number),
		TEST(absent_members_are_left_out),           TEST(each_fault_of_a_value_is_listed),
		TEST(a_lost_commit_has_an_unknown_outcome),  TEST(text_of_a_client_is_escaped),
		TEST(a_problem_replaces_the_reply),
	};

	return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
