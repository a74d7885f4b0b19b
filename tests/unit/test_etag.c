#include "http/etag.h"
#include "unit.h"

#define BODY "{\"id\":1}"

static void
answer(void *owner, struct reply *reply, const char *method, const char *known)
{
	const struct request_header header = { "if-none-match", known };
	const struct request request = { .method = method,
		                         .headers = &header,
		                         .header_count = known != NULL };

	reply_init(reply, owner);
	buf_text(&reply->body, BODY);
	etag_apply(reply, &request);
}

static const char *
tag_of(void *owner)
{
	struct reply reply;

	answer(owner, &reply, "GET", NULL);
	return reply_header(&reply, "ETag");
}

static void
who_has_the_answer_gets_a_304(void **state)
{
	static const struct {
		const char *about, *before, *behind;
		bool known;
	} rows[] = {
		{ "the tag", "", "", true },
		{ "a weak one", "W/", "", true },
		{ "behind others", "\"a\", W/\"b\",", "", true },
		{ "before others", "", ", \"c\"", true },
		{ "behind one with a comma in it", "\"a,b\", ", "", true },
		{ "behind something that is no tag", "x, ", "", true },
		{ "inside of another one", "\"a", "", false },
		{ "a star before it", "*, ", "", true },
	};
	const char *tag = tag_of(*state);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct reply reply;

		answer(*state, &reply, "GET",
		       mem_printf(*state, "%s%s%s", rows[i].before, tag, rows[i].behind));
		row_int(&rows[i], reply.status, rows[i].known ? 304 : 200);
		row_int(&rows[i], reply.body.size, rows[i].known ? 0 : strlen(BODY));
	}
}

static void
others_get_the_answer(void **state)
{
	static const char *const known[] = { "", ",", "\"\"", "\"other\"", "W/", "\"", "W/\"x", "x" };
	struct reply reply;

	for (size_t i = 0; i < COUNT_OF(known); i++) {
		answer(*state, &reply, "HEAD", known[i]);
		assert_int_equal(reply.status, NP_OK);
		assert_string_equal(reply_header(&reply, "Cache-Control"), "private, no-cache");
	}
	answer(*state, &reply, "HEAD", "*");
	assert_int_equal(reply.status, 304);
}

static void
only_a_success_that_is_read_has_a_tag(void **state)
{
	const struct request request = { .method = "GET" };
	struct reply reply;
	struct error err;

	answer(*state, &reply, "POST", "*");
	assert_null(reply_header(&reply, "ETag"));
	assert_int_equal(reply.status, NP_OK);
	reply_init(&reply, *state);
	reply.status = NP_CREATED;
	etag_apply(&reply, &request);
	assert_null(reply_header(&reply, "ETag"));
	/* The handler's own Cache-Control: all is left to it. */
	reply_init(&reply, *state);
	assert_true(reply_add_header(&reply, "Cache-Control", "max-age=60", &err));
	etag_apply(&reply, &request);
	assert_null(reply_header(&reply, "ETag"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_has_the_answer_gets_a_304),
		TEST(others_get_the_answer),
		TEST(only_a_success_that_is_read_has_a_tag),
	};

	return cmocka_run_group_tests_name("etag", tests, NULL, NULL);
}
