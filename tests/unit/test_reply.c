#include "http/reply.h"
#include "unit.h"

static const char *
head_of(void *owner, const struct reply *reply, const char *first)
{
	struct buf out;

	buf_init(&out, owner, 65536);
	reply_write_head(reply, first, &out);
	assert_false(out.overflow);
	return out.data;
}

static void
a_head_has_the_exact_length_of_the_body(void **state)
{
	struct reply reply;

	reply_init(&reply, *state);
	buf_text(&reply.body, "{\"name\":\"\xc3\xa9\"}");
	assert_string_equal(head_of(*state, &reply, "Status:"), "Status: 200 OK\r\n"
	                                                        "Content-Type: application/json\r\n"
	                                                        "Content-Length: 13\r\n"
	                                                        "\r\n");
}

static void
a_head_begins_with_the_given_text(void **state)
{
	struct reply reply;

	reply_init(&reply, *state);
	reply.status = NP_STATUS_CREATED;
	assert_string_equal(head_of(*state, &reply, "HTTP/1.1"),
	                    "HTTP/1.1 201 Created\r\n"
	                    "Content-Type: application/json\r\n"
	                    "Content-Length: 0\r\n"
	                    "\r\n");
}

static void
the_reply_to_a_head_has_the_length_of_the_body(void **state)
{
	struct reply reply;

	reply_init(&reply, *state);
	reply.without_body = true;
	buf_text(&reply.body, "{}");
	assert_non_null(strstr(head_of(*state, &reply, "Status:"), "Content-Length: 2\r\n"));
}

static void
a_204_has_neither_type_nor_length(void **state)
{
	struct reply reply;

	reply_init(&reply, *state);
	reply.status = NP_STATUS_NO_CONTENT;
	assert_string_equal(head_of(*state, &reply, "Status:"), "Status: 204 No Content\r\n\r\n");
}

static void
headers_keep_their_order(void **state)
{
	struct reply reply;
	struct error err;

	reply_init(&reply, *state);
	reply_set_header(&reply, "Cache-Control", "no-store");
	assert_true(reply_add_header(&reply, "Location", "/users/1", &err));
	assert_string_equal(head_of(*state, &reply, "Status:"), "Status: 200 OK\r\n"
	                                                        "Cache-Control: no-store\r\n"
	                                                        "Location: /users/1\r\n"
	                                                        "Content-Type: application/json\r\n"
	                                                        "Content-Length: 0\r\n"
	                                                        "\r\n");
}

static void
an_added_header_is_a_copy(void **state)
{
	char name[] = "Location", value[] = "/a";
	struct reply reply;
	struct error err;

	reply_init(&reply, *state);
	assert_true(reply_add_header(&reply, name, value, &err));
	name[0] = value[0] = 'x';
	assert_string_equal(reply.headers[0].name, "Location");
	assert_string_equal(reply.headers[0].value, "/a");
}

static const struct header_row {
	const char *about;
	const char *name, *value;
	bool valid;
} header_rows[] = {
	{ "plain", "X-Thing-2", "a b; c=\"d\"", true },
	{ "empty value", "X-Thing", "", true },
	{ "tab", "X-Thing", "a\tb", true },
	{ "UTF-8", "X-Thing", "\xc3\xa9", true },
	{ "line feed", "X-Thing", "a\nSet-Cookie: b", false },
	{ "carriage return", "X-Thing", "a\rb", false },
	{ "both", "Location", "/a\r\nX-Accel-Redirect: /internal", false },
	{ "both, and a body", "Location", "/a\r\n\r\n<html>", false },
	{ "line feed at the end", "X-Thing", "a\n", false },
	{ "escape", "X-Thing", "\x1b[0m", false },
	{ "DEL", "X-Thing", "\x7f", false },
	{ "empty name", "", "a", false },
	{ "colon in the name", "X-Thing:", "a", false },
	{ "space in the name", "X Thing", "a", false },
	{ "line feed in the name", "X\nY", "a", false },
	{ "name that is not ASCII", "X-\xc3\xa9", "a", false },
};

static void
a_header_cannot_contain_the_end_of_a_header(void **state)
{
	for (size_t i = 0; i < COUNT_OF(header_rows); i++) {
		const struct header_row *row = &header_rows[i];
		struct reply reply;
		struct error err;

		reply_init(&reply, *state);
		row_int(row, reply_add_header(&reply, row->name, row->value, &err), row->valid);
		row_int(row, reply.header_count, row->valid);
		if (!row->valid)
			row_int(row, err.kind, FAILURE_INTERNAL);
	}
}

static void
too_many_headers_are_refused(void **state)
{
	struct reply reply;
	struct error err;

	reply_init(&reply, *state);
	for (int i = 0; i < REPLY_HEADERS_MAX - REPLY_HEADERS_OURS; i++)
		assert_true(reply_add_header(&reply, "X-Thing", "a", &err));
	assert_false(reply_add_header(&reply, "X-Thing", "a", &err));
	assert_int_equal(err.kind, FAILURE_INTERNAL);
	assert_int_equal(reply.header_count, REPLY_HEADERS_MAX - REPLY_HEADERS_OURS);
}

static void
reset_drops_everything_but_without_body(void **state)
{
	struct reply reply;

	reply_init(&reply, *state);
	reply.without_body = true;
	reply.status = NP_STATUS_CREATED;
	reply.content_type = "text/plain";
	buf_text(&reply.body, "half an answer");
	reply_set_header(&reply, "Location", "/a");
	reply_reset(&reply);
	assert_int_equal(reply.status, NP_STATUS_OK);
	assert_string_equal(reply.content_type, "application/json");
	assert_int_equal(reply.header_count, 0);
	assert_string_equal(reply.body.data, "");
	assert_true(reply.without_body);
}

static void
a_body_that_is_too_long_is_remembered(void **state)
{
	struct reply reply;

	reply_init(&reply, *state);
	for (int i = 0; i < REPLY_BODY_MAX_BYTES / 1024; i++)
		buf_printf(&reply.body, "%1024d", i);
	assert_false(reply.body.overflow);
	buf_char(&reply.body, 'x');
	assert_true(reply.body.overflow);
}

static void
each_status_that_is_sent_has_a_reason(void **state)
{
	static const int statuses[] = { 200, 201, 202, 204, 400, 404, 405,
		                        409, 413, 415, 422, 500, 503, 504 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(statuses); i++)
		assert_string_not_equal(reply_reason(statuses[i]), "");
	assert_string_equal(reply_reason(404), "Not Found");
	assert_string_equal(reply_reason(422), "Unprocessable Content");
	assert_string_equal(reply_reason(999), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_head_has_the_exact_length_of_the_body),
		TEST(a_head_begins_with_the_given_text),
		TEST(the_reply_to_a_head_has_the_length_of_the_body),
		TEST(a_204_has_neither_type_nor_length),
		TEST(headers_keep_their_order),
		TEST(an_added_header_is_a_copy),
		TEST(a_header_cannot_contain_the_end_of_a_header),
		TEST(too_many_headers_are_refused),
		TEST(reset_drops_everything_but_without_body),
		TEST(a_body_that_is_too_long_is_remembered),
		TEST(each_status_that_is_sent_has_a_reason),
	};

	return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
