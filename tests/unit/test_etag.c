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
a_client_with_the_current_response_gets_a_304(void **state)
{
	static const struct {
		const char *about, *before, *after;
		bool known;
	} rows[] = {
		{ "the tag", "", "", true },
		{ "a weak tag", "W/", "", true },
		{ "after others", "\"a\", W/\"b\",", "", true },
		{ "before others", "", ", \"c\"", true },
		{ "after one with a comma in it", "\"a,b\", ", "", true },
		{ "after an invalid tag", "x, ", "", false },
		{ "before an invalid tag", "", ", x", false },
		{ "spaces and commas around it", " ,\t, ", " ,, ", true },
		{ "inside another tag", "\"a", "", false },
		{ "after a star", "*, ", "", false },
		{ "before a star", "", ", *", false },
	};
	const char *tag = tag_of(*state);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct reply reply;

		answer(*state, &reply, "GET",
		       mem_printf(*state, "%s%s%s", rows[i].before, tag, rows[i].after));
		row_int(&rows[i], reply.status, rows[i].known ? 304 : 200);
		row_int(&rows[i], reply.body.size, rows[i].known ? 0 : strlen(BODY));
	}
}

static void
other_clients_get_the_response(void **state)
{
	static const char *const known[] = {
		"", ",", "\"\"", "\"other\"", "W/", "\"", "W/\"x", "x"
	};
	struct reply reply;

	for (size_t i = 0; i < COUNT_OF(known); i++) {
		answer(*state, &reply, "HEAD", known[i]);
		assert_int_equal(reply.status, NP_STATUS_OK);
		assert_string_equal(reply_header(&reply, "Cache-Control"), "private, no-cache");
	}
	answer(*state, &reply, "HEAD", "*");
	assert_int_equal(reply.status, 304);
}

static void
only_a_200_to_get_or_head_gets_a_tag(void **state)
{
	const struct request request = { .method = "GET" };
	struct reply reply;
	struct error err;

	answer(*state, &reply, "POST", "*");
	assert_null(reply_header(&reply, "ETag"));
	assert_int_equal(reply.status, NP_STATUS_OK);
	reply_init(&reply, *state);
	reply.status = NP_STATUS_CREATED;
	etag_apply(&reply, &request);
	assert_null(reply_header(&reply, "ETag"));
	/* A handler that sets Cache-Control also decides on the tag. */
	reply_init(&reply, *state);
	assert_true(reply_add_header(&reply, "Cache-Control", "max-age=60", &err));
	etag_apply(&reply, &request);
	assert_null(reply_header(&reply, "ETag"));
}

static void
the_handlers_own_tag_is_the_only_one(void **state)
{
	const struct request_header header = { "if-none-match", "\"v1\"" };
	const struct request request = { .method = "GET", .headers = &header, .header_count = 1 };
	struct reply reply;
	struct error err;
	size_t tags = 0;

	reply_init(&reply, *state);
	buf_text(&reply.body, BODY);
	assert_true(reply_add_header(&reply, "ETag", "\"v1\"", &err));
	etag_apply(&reply, &request);
	assert_int_equal(reply.status, 304);
	assert_string_equal(reply_header(&reply, "Cache-Control"), "private, no-cache");
	for (size_t i = 0; i < reply.header_count; i++)
		tags += strcmp(reply.headers[i].name, "ETag") == 0;
	assert_int_equal(tags, 1);
}

static void
a_header_lists_a_tag_or_not(void **state)
{
	static const struct {
		const char *about, *list, *tag;
		enum etag_match weak, strong;
	} rows[] = {
		{ "the tag", "\"a\"", "\"a\"", ETAG_LISTED, ETAG_LISTED },
		{ "a weak tag", "W/\"a\"", "\"a\"", ETAG_LISTED, ETAG_NOT_LISTED },
		{ "against a weak tag", "\"a\"", "W/\"a\"", ETAG_LISTED, ETAG_NOT_LISTED },
		{ "both weak", "W/\"a\"", "W/\"a\"", ETAG_LISTED, ETAG_NOT_LISTED },
		{ "a weak tag and the strong one", "W/\"a\", \"a\"", "\"a\"", ETAG_LISTED,
		  ETAG_LISTED },
		{ "other tags", "\"b\",\"ab\",\"A\",\"\"", "\"a\"", ETAG_NOT_LISTED,
		  ETAG_NOT_LISTED },
		{ "a prefix of the tag", "\"a\"", "\"a,b\"", ETAG_NOT_LISTED, ETAG_NOT_LISTED },
		{ "an empty tag", "\"\"", "\"\"", ETAG_LISTED, ETAG_LISTED },
		{ "bytes above ASCII", "\"\xc3\xa9\"", "\"\xc3\xa9\"", ETAG_LISTED, ETAG_LISTED },
		{ "against no tag", "\"a\"", NULL, ETAG_NOT_LISTED, ETAG_NOT_LISTED },
		{ "a star", "*", "\"a\"", ETAG_ANY, ETAG_ANY },
		{ "a star in spaces", " *\t", NULL, ETAG_ANY, ETAG_ANY },
		{ "two stars", "**", "\"a\"", ETAG_MALFORMED, ETAG_MALFORMED },
		{ "a star in a list", "*,\"a\"", "\"a\"", ETAG_MALFORMED, ETAG_MALFORMED },
		{ "a star after a comma", ",*", "\"a\"", ETAG_MALFORMED, ETAG_MALFORMED },
		{ "empty", "", "\"a\"", ETAG_MALFORMED, ETAG_MALFORMED },
		{ "only commas", " , ,", "\"a\"", ETAG_MALFORMED, ETAG_MALFORMED },
		{ "without quotes", "a", "\"a\"", ETAG_MALFORMED, ETAG_MALFORMED },
		{ "not closed", "\"a\", \"a", "\"a\"", ETAG_MALFORMED, ETAG_MALFORMED },
		{ "no comma between", "\"a\" \"b\"", "\"a\"", ETAG_MALFORMED, ETAG_MALFORMED },
		{ "a space inside", "\"a\",\"a b\"", "\"a\"", ETAG_MALFORMED, ETAG_MALFORMED },
		{ "a control character inside", "\"a\x7f\"", "\"a\x7f\"", ETAG_MALFORMED,
		  ETAG_MALFORMED },
		{ "w/ in lower case", "w/\"a\"", "\"a\"", ETAG_MALFORMED, ETAG_MALFORMED },
		{ "a space after W/", "W/ \"a\"", "\"a\"", ETAG_MALFORMED, ETAG_MALFORMED },
		{ "W/ alone", "W/", "\"a\"", ETAG_MALFORMED, ETAG_MALFORMED },
		{ "text after the tag", "\"a\"x", "\"a\"", ETAG_MALFORMED, ETAG_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		row_int(&rows[i], etag_match(rows[i].list, rows[i].tag, false), rows[i].weak);
		row_int(&rows[i], etag_match(rows[i].list, rows[i].tag, true), rows[i].strong);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_client_with_the_current_response_gets_a_304),
		TEST(other_clients_get_the_response),
		TEST(only_a_200_to_get_or_head_gets_a_tag),
		TEST(the_handlers_own_tag_is_the_only_one),
		TEST(a_header_lists_a_tag_or_not),
	};

	return cmocka_run_group_tests_name("etag", tests, NULL, NULL);
}
