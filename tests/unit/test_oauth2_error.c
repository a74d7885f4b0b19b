#include "http/oauth2_error.h"

#include "http/param_check.h"
#include "unit.h"

static const struct error_row {
	const char *about;
	enum failure kind;
	int status; /* that of the kind */
	const char *detail;
	int wanted;
	const char *body;
} error_rows[] = {
	{ "a wrong password", FAILURE_UNAUTHORIZED, 401, "Wrong email address or password", 400,
	  "{\"error\":\"invalid_grant\",\"error_description\":\"Wrong email address or password\"}" },
	{ "a body that is not JSON", FAILURE_MALFORMED, 400, "At byte 2", 400,
	  "{\"error\":\"invalid_request\",\"error_description\":\"At byte 2\"}" },
	{ "another media type", FAILURE_MEDIA_TYPE, 415, NULL, 400,
	  "{\"error\":\"invalid_request\"}" },
	{ "a body that is too large", FAILURE_TOO_LARGE, 413, NULL, 413,
	  "{\"error\":\"invalid_request\"}" },
	{ "an internal error", FAILURE_INTERNAL, 500, NULL, 500, "{\"error\":\"server_error\"}" },
	{ "no database", FAILURE_UNAVAILABLE, 503, "The database is busy", 503,
	  "{\"error\":\"temporarily_unavailable\",\"error_description\":\"The database is busy\"}" },
	{ "bytes that a description cannot have", FAILURE_INVALID, 422, "a\"b\\c\n\xc3\xa9\x7f~",
	  400, "{\"error\":\"invalid_request\",\"error_description\":\"a?b?c????~\"}" },
};

static void
an_error_is_one_of_rfc_6749(void **state)
{
	for (size_t i = 0; i < COUNT_OF(error_rows); i++) {
		const struct error_row *row = &error_rows[i];
		struct reply reply;

		reply_init(&reply, *state);
		oauth2_error_write(&reply, row->kind, row->status, row->detail, NULL);
		row_int(row, reply.status, row->wanted);
		row_text(row, reply.body.data, row->body);
	}
}

static void
every_kind_has_a_code(void **state)
{
	for (int kind = 1; kind < FAILURE_COUNT; kind++) {
		struct reply reply;

		reply_init(&reply, *state);
		oauth2_error_write(&reply, (enum failure)kind, 500, NULL, NULL);
		assert_null(strstr(reply.body.data, "null"));
	}
}

static void
faults_are_named_and_an_unsupported_grant_has_its_own_code(void **state)
{
	static const struct param_faults twice = { .items = { { "body", "grant_type",
		                                                "is given twice" },
		                                              { "body", "scope", "is too long" } },
		                                   .count = 2 };
	static const struct param_faults unknown = {
		.items = { { "body", "grant_type", PARAM_CHOICES_PREFIX " password" } }, .count = 1
	};
	struct reply reply;

	reply_init(&reply, *state);
	oauth2_error_write(&reply, FAILURE_INVALID, 422, "not shown", &twice);
	assert_string_equal(reply.body.data, "{\"error\":\"invalid_request\",\"error_description\":"
	                                     "\"grant_type is given twice; scope is too long\"}");
	oauth2_error_write(&reply, FAILURE_INVALID, 422, "not shown", &unknown);
	assert_string_equal(reply.body.data,
	                    "{\"error\":\"unsupported_grant_type\",\"error_description\":"
	                    "\"grant_type must be one of: password\"}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_error_is_one_of_rfc_6749),
		TEST(every_kind_has_a_code),
		TEST(faults_are_named_and_an_unsupported_grant_has_its_own_code),
	};

	return cmocka_run_group_tests_name("oauth2_error", tests, NULL, NULL);
}
