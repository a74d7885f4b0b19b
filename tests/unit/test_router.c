#include "http/router.h"
#include "unit.h"

static bool
handler(struct np_ctx *ctx)
{
	return ctx != NULL;
}

static const struct np_param id = { .name = "id", .in = NP_IN_PATH, .type = NP_TYPE_INT };

static const struct np_param part = { .name = "part", .in = NP_IN_PATH, .type = NP_TYPE_STRING };

enum { LIST, CREATE, MINE, SHOW, CHANGE, REMOVE, PART, ROOT, ONLY_POST };
static const struct np_route routes[] = {
	[LIST] = { .method = "GET", .path = "/notes", .handle = handler },
	[CREATE] = { .method = "POST", .path = "/notes", .handle = handler },
	[MINE] = { .method = "GET", .path = "/notes/mine", .handle = handler },
	[SHOW] = { .method = "GET",
	           .path = "/notes/{id}",
	           .handle = handler,
	           .params = NP_PARAMS(&id) },
	[CHANGE] = { .method = "PATCH",
	             .path = "/notes/{id}",
	             .handle = handler,
	             .params = NP_PARAMS(&id) },
	[REMOVE] = { .method = "DELETE",
	             .path = "/notes/{id}",
	             .handle = handler,
	             .params = NP_PARAMS(&id) },
	[PART] = { .method = "GET",
	           .path = "/notes/{id}/parts/{part}",
	           .handle = handler,
	           .params = NP_PARAMS(&id, &part) },
	[ROOT] = { .method = "GET", .path = "/", .handle = handler },
	[ONLY_POST] = { .method = "POST", .path = "/jobs", .handle = handler },
};

static const struct route_table table = { routes, COUNT_OF(routes) };

#define NOTES_ALLOW "GET, HEAD, POST, OPTIONS"
#define NOTE_ALLOW  "GET, HEAD, PATCH, DELETE, OPTIONS"

static const struct find_row {
	const char *about;
	const char *method, *target;
	int route; /* or -kind of the error */
	const char *allow;
} find_rows[] = {
	{ "a path", "GET", "/notes", LIST, NOTES_ALLOW },
	{ "the same path, another method", "POST", "/notes", CREATE, NOTES_ALLOW },
	{ "HEAD is found as GET", "HEAD", "/notes", LIST, NOTES_ALLOW },
	{ "the root", "GET", "/", ROOT, "GET, HEAD, OPTIONS" },
	{ "a name in braces", "GET", "/notes/42", SHOW, NOTE_ALLOW },
	{ "a name in braces, another method", "DELETE", "/notes/42", REMOVE, NOTE_ALLOW },
	{ "any text is a segment", "GET", "/notes/a%2Fb", SHOW, NOTE_ALLOW },
	{ "the first row that fits", "GET", "/notes/mine", MINE, NOTE_ALLOW },
	{ "two names", "GET", "/notes/42/parts/x", PART, "GET, HEAD, OPTIONS" },
	{ "a query changes nothing", "GET", "/notes?x=1", LIST, NOTES_ALLOW },
	{ "the only method", "POST", "/jobs", ONLY_POST, "POST, OPTIONS" },
	{ "unknown path", "GET", "/other", -FAILURE_NOT_FOUND, "" },
	{ "unknown path, whatever the method", "BREW", "/other", -FAILURE_NOT_FOUND, "" },
	{ "longer path", "GET", "/notes/42/parts", -FAILURE_NOT_FOUND, "" },
	{ "part of a name", "GET", "/note", -FAILURE_NOT_FOUND, "" },
	{ "more than a name", "GET", "/notesx", -FAILURE_NOT_FOUND, "" },
	{ "another case", "GET", "/Notes", -FAILURE_NOT_FOUND, "" },
	{ "slash at the end", "GET", "/notes/", -FAILURE_NOT_FOUND, "" },
	{ "slash at the end of a name in braces", "GET", "/notes/42/", -FAILURE_NOT_FOUND, "" },
	{ "braces want something", "GET", "/notes//parts/x", -FAILURE_NOT_FOUND, "" },
	{ "two slashes", "GET", "//notes", -FAILURE_NOT_FOUND, "" },
	{ "method that the path has not", "PUT", "/notes", -FAILURE_METHOD, NOTES_ALLOW },
	{ "method that only another path has", "DELETE", "/notes", -FAILURE_METHOD, NOTES_ALLOW },
	{ "HEAD without GET", "HEAD", "/jobs", -FAILURE_METHOD, "POST, OPTIONS" },
	{ "OPTIONS is answered from allow", "OPTIONS", "/notes/42", -FAILURE_METHOD, NOTE_ALLOW },
	{ "unknown method", "BREW", "/notes", -FAILURE_METHOD, NOTES_ALLOW },
	{ "method in lower case", "get", "/notes", -FAILURE_METHOD, NOTES_ALLOW },
	{ "empty method", "", "/notes", -FAILURE_METHOD, NOTES_ALLOW },
};

static void
find_returns_the_first_row_that_matches(void **state)
{
	for (size_t i = 0; i < COUNT_OF(find_rows); i++) {
		const struct find_row *row = &find_rows[i];
		const struct np_route *route = NULL;
		char allow[ROUTER_ALLOW_BYTES];
		struct target target;
		struct error err;
		bool found;

		row_true(row, target_parse(*state, row->target, &target, &err));
		found = router_find(&table, row->method, &target, &route, allow, &err);
		row_int(row, found ? route - routes : -(int)err.kind, row->route);
		row_text(row, allow, found ? "" : row->allow);
	}
}

static void
all_methods_fit_into_allow(void **state)
{
	static const struct np_route all[] = {
		{ .method = "DELETE", .path = "/a", .handle = handler },
		{ .method = "PATCH", .path = "/a", .handle = handler },
		{ .method = "PUT", .path = "/a", .handle = handler },
		{ .method = "POST", .path = "/a", .handle = handler },
		{ .method = "GET", .path = "/a", .handle = handler },
	};
	const struct np_route *route;
	char allow[ROUTER_ALLOW_BYTES];
	struct target target;
	struct error err;

	assert_true(target_parse(*state, "/a", &target, &err));
	assert_false(router_find(&(struct route_table){ all, COUNT_OF(all) }, "TRACE", &target,
	                         &route, allow, &err));
	assert_string_equal(allow, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
}

static void
a_segment_is_found_by_its_name(void **state)
{
	struct target target;
	struct error err;

	assert_true(target_parse(*state, "/notes/42/parts/a%20b", &target, &err));
	assert_string_equal(router_segment(&routes[PART], &target, "id"), "42");
	assert_string_equal(router_segment(&routes[PART], &target, "part"), "a b");
	assert_null(router_segment(&routes[PART], &target, "parts"));
	assert_null(router_segment(&routes[PART], &target, "i"));
	assert_null(router_segment(&routes[PART], &target, "ident"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(find_returns_the_first_row_that_matches),
		TEST(all_methods_fit_into_allow),
		TEST(a_segment_is_found_by_its_name),
	};

	return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
