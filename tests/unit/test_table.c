#include "unit.h"

#include "http/table.h"
#include "http/table_end.h"

static bool
handler(struct np_ctx *ctx)
{
	(void)ctx;
	return true;
}

static const struct np_param by_id[] = {
	{ .name = "id", .in = NP_IN_PATH, .type = NP_TYPE_UUID },
	NP_PARAMS_END,
};
static const struct np_param by_whose[] = {
	{ .name = "whose", .in = NP_IN_PATH, .type = NP_TYPE_UUID },
	NP_PARAMS_END,
};
static const struct np_param by_two[] = {
	{ .name = "part", .in = NP_IN_PATH, .type = NP_TYPE_STRING },
	{ .name = "id", .in = NP_IN_PATH, .type = NP_TYPE_UUID },
	NP_PARAMS_END,
};
static const struct np_param in_query[] = {
	{ .name = "id", .in = NP_IN_QUERY, .type = NP_TYPE_INT },
	NP_PARAMS_END,
};
static const struct np_param in_body[] = {
	{ .name = "name", .in = NP_IN_BODY, .type = NP_TYPE_STRING },
	NP_PARAMS_END,
};
static const struct np_param nowhere[] = {
	{ .name = "name", .type = NP_TYPE_STRING },
	NP_PARAMS_END,
};
static const struct np_param without_type[] = {
	{ .name = "name", .in = NP_IN_QUERY, .type = (enum np_type)TYPE_COUNT },
	NP_PARAMS_END,
};

#define ONE(table, ...)                                          \
	static const struct np_param table[] = {                 \
		{ .name = "x", .in = NP_IN_QUERY, __VA_ARGS__ }, \
		NP_PARAMS_END,                                   \
	}
static const struct np_schema same_members = { "Same", (const struct np_param[]){ { .name = "a" },
	                                                                          { .name = "b" },
	                                                                          { .name = "a" },
	                                                                          NP_PARAMS_END } };
static const struct np_schema bad_example_member = {
	"Bad", (const struct np_param[]){ { .name = "a", .type = NP_TYPE_JSON, .example = "{" },
	                                  NP_PARAMS_END }
};
static const struct np_schema inner_members = {
	"Inner", (const struct np_param[]){ { .name = "a" }, { .name = "a.b" }, NP_PARAMS_END }
};
static const struct np_param two_of_one[] = {
	{ .name = "x", .in = NP_IN_QUERY, .type = NP_TYPE_INT },
	{ .name = "y", .in = NP_IN_QUERY, .type = NP_TYPE_INT },
	{ .name = "x", .in = NP_IN_QUERY, .type = NP_TYPE_STRING },
	NP_PARAMS_END,
};
static const struct np_param two_places[] = {
	{ .name = "id", .in = NP_IN_PATH, .type = NP_TYPE_UUID },
	{ .name = "id", .in = NP_IN_BODY, .type = NP_TYPE_UUID },
	NP_PARAMS_END,
};
ONE(upside_down, .type = NP_TYPE_INT, .min = 5, .max = 4);
ONE(fraction, .type = NP_TYPE_FLOAT);
ONE(only_min, .type = NP_TYPE_INT, .min = 5);
ONE(bounded_bool, .type = NP_TYPE_BOOL, .max = 1);
ONE(wrong_default, .type = NP_TYPE_INT, .min = 1, .max = 9, .default_value = "10");
ONE(needless_default, .type = NP_TYPE_INT, .required = true, .default_value = "1");

ONE(default_with_leading_zero, .type = NP_TYPE_INT, .default_value = "020");
ONE(word_for_example, .type = NP_TYPE_INT, .example = "twenty");
ONE(text_for_example, .type = NP_TYPE_STRING, .example = "twenty");
ONE(list_for_example, .type = NP_TYPE_STRING, .max_items = 3, .example = "[\"a\", \"b\"]");
ONE(no_list_for_example, .type = NP_TYPE_STRING, .max_items = 3, .example = "a");

ONE(no_choices, .type = NP_TYPE_ENUM);
ONE(some_choices, .type = NP_TYPE_ENUM, .choices = NP_CHOICES("a", "b"), .default_value = "b");
ONE(other_choice, .type = NP_TYPE_ENUM, .choices = NP_CHOICES("a", "b"), .default_value = "c");
ONE(json_in_query, .type = NP_TYPE_JSON);
ONE(list_of_cursors, .type = NP_TYPE_CURSOR, .max_items = 2);
ONE(list_with_default, .type = NP_TYPE_INT, .max_items = 2, .default_value = "1");
ONE(pattern, .type = NP_TYPE_STRING, .max = 10000, .pattern = "[a-z]+(-[0-9]{1,255})*");
ONE(bad_pattern, .type = NP_TYPE_STRING, .max = 9, .pattern = "(");
ONE(pattern_of_int, .type = NP_TYPE_INT, .max = 9, .pattern = "1");
ONE(endless_pattern, .type = NP_TYPE_STRING, .min = 1, .pattern = "[a-z]+-[0-9]+");
ONE(long_pattern, .type = NP_TYPE_STRING, .max = 10001, .pattern = "[a-z]+-[0-9]+");
ONE(back_reference, .type = NP_TYPE_STRING, .max = 9, .pattern = "(a*)*\\1");
ONE(repetitions, .type = NP_TYPE_STRING, .max = 9, .pattern = "(([ab]{1,255}){1,255})");
static const struct np_param inside_another[] = {
	{ .name = "user", .in = NP_IN_BODY, .type = NP_TYPE_OBJECT },
	{ .name = "user.name", .in = NP_IN_BODY, .type = NP_TYPE_STRING },
	NP_PARAMS_END,
};
static const struct np_param list_in_path[] = {
	{ .name = "id", .in = NP_IN_PATH, .type = NP_TYPE_UUID, .max_items = 2 },
	NP_PARAMS_END,
};

static const struct np_param loud_header[] = {
	{ .name = "X-Token", .in = NP_IN_HEADER, .type = NP_TYPE_STRING },
	NP_PARAMS_END,
};

static const struct np_schema problem = { "Problem", in_body };

static const struct table_row {
	const char *about;
	struct np_route route;
	const char *says; /* NULL: nothing is wrong */
} table_rows[] = {
	{ "plain", { "GET", "/t/a", handler }, NULL },
	{ "a slash at the end", { "GET", "/t/", handler }, NULL },
	{ "choices", { "GET", "/t/a", handler, .params = some_choices }, NULL },
	{ "a default value that is not a JSON number",
	  { "GET", "/t/a", handler, .params = default_with_leading_zero },
	  "parameter \"x\" has a default value that is not JSON" },
	{ "an example that is not JSON",
	  { "GET", "/t/a", handler, .params = word_for_example },
	  "parameter \"x\" has an example that is not JSON" },
	{ "an example that is a text",
	  { "GET", "/t/a", handler, .params = text_for_example },
	  NULL },
	{ "an example that is a list",
	  { "GET", "/t/a", handler, .params = list_for_example },
	  NULL },
	{ "an example of a list that is not a list",
	  { "GET", "/t/a", handler, .params = no_list_for_example },
	  "example" },
	{ "an example of a member that is not JSON",
	  { "GET", "/t/a", handler, .returns = &bad_example_member },
	  "member \"a\" of its schema has an example that is not JSON" },
	{ "no choices", { "GET", "/t/a", handler, .params = no_choices }, "without choices" },
	{ "a default value that is not a choice",
	  { "GET", "/t/a", handler, .params = other_choice },
	  "default value" },
	{ "JSON in a query",
	  { "GET", "/t/a", handler, .params = json_in_query },
	  "outside of a body" },
	{ "a list of cursors",
	  { "GET", "/t/a", handler, .params = list_of_cursors },
	  "of cursors" },
	{ "a list with a default value",
	  { "GET", "/t/a", handler, .params = list_with_default },
	  "default value" },
	{ "a list in a path",
	  { "GET", "/t/a/{id}", handler, .params = list_in_path },
	  "outside of a body" },
	{ "an invalid pattern", { "GET", "/t/a", handler, .params = bad_pattern }, "pattern" },
	{ "a pattern", { "GET", "/t/a", handler, .params = pattern }, NULL },
	{ "a pattern without a max",
	  { "GET", "/t/a", handler, .params = endless_pattern },
	  "parameter \"x\" has a pattern and no max" },
	{ "a pattern of long values",
	  { "GET", "/t/a", handler, .params = long_pattern },
	  "a max above" },
	{ "a pattern with a back-reference",
	  { "GET", "/t/a", handler, .params = back_reference },
	  "back-reference" },
	{ "a pattern that repeats repetitions",
	  { "GET", "/t/a", handler, .params = repetitions },
	  "repeats too much" },
	{ "a pattern of a number",
	  { "GET", "/t/a", handler, .params = pattern_of_int },
	  "pattern" },
	{ "a field inside another parameter",
	  { "POST", "/t/a", handler, .params = inside_another },
	  "is inside another parameter" },
	{ "a name and its parameter", { "PUT", "/t/a/{id}", handler, .params = by_id }, NULL },
	{ "two names and their parameters",
	  { "GET", "/t/a/{part}/{id}", handler, .params = by_two },
	  NULL },
	{ "a body", { "POST", "/t/a", handler, .params = in_body }, NULL },
	{ "no slash", { "GET", "a", handler }, "starts with /" },
	{ "empty path", { "GET", "", handler }, "starts with /" },
	{ "unknown method", { "BREW", "/t/a", handler }, "method" },
	{ "HEAD comes with GET", { "HEAD", "/t/a", handler }, "method" },
	{ "OPTIONS comes by itself", { "OPTIONS", "/t/a", handler }, "method" },
	{ "method in lower case", { "get", "/t/a", handler }, "method" },
	{ "a name without parameters", { "GET", "/t/a/{id}", handler }, "{name}" },
	{ "a name of a parameter in another place",
	  { "GET", "/t/a/{id}", handler, .params = in_query },
	  "{name}" },
	{ "one of two names is missing",
	  { "GET", "/t/{id}/{part}", handler, .params = by_id },
	  "{name}" },
	{ "a parameter that is not in the path",
	  { "GET", "/t/a", handler, .params = by_id },
	  "is not in the path" },
	{ "one of two parameters is not in the path",
	  { "GET", "/t/a/{id}", handler, .params = by_two },
	  "is not in the path" },
	{ "no place", { "GET", "/t/a", handler, .params = nowhere }, "no place" },
	{ "no type", { "GET", "/t/a", handler, .params = without_type }, "no type" },
	{ "min above max", { "GET", "/t/a", handler, .params = upside_down }, "min above its max" },
	{ "only a min", { "GET", "/t/a", handler, .params = only_min }, NULL },
	{ "bounds of a type that has none",
	  { "GET", "/t/a", handler, .params = bounded_bool },
	  "has bounds" },
	{ "a default value out of bounds",
	  { "GET", "/t/a", handler, .params = wrong_default },
	  "invalid default value" },
	{ "a default value of a required parameter",
	  { "GET", "/t/a", handler, .params = needless_default },
	  "required" },
	{ "a header in upper case",
	  { "GET", "/t/a", handler, .params = loud_header },
	  "lower case" },
	{ "no handler", { "GET", "/t/a", NULL }, "a handler" },
	{ "a key", { "GET", "/t/a/{id}", handler, NP_TX_READ, by_id, .cache = "a:{id}" }, NULL },
	{ "a key of a write",
	  { "POST", "/t/a", handler, NP_TX_WRITE, in_body, .cache = "a" },
	  "not a GET" },
	{ "a key with an unknown name",
	  { "GET", "/t/a/{id}", handler, NP_TX_READ, by_id, .cache = "a:{i}" },
	  "an unknown parameter" },
	{ "a key with half a name",
	  { "GET", "/t/a/{id}", handler, NP_TX_READ, by_id, .cache = "a:{id" },
	  "an unknown parameter" },
	{ "a key in a route without parameters",
	  { "GET", "/t/a", handler, NP_TX_READ, .cache = "{id}" },
	  "an unknown parameter" },
	{ "a key of a number with a fraction",
	  { "GET", "/t/a", handler, NP_TX_READ, fraction, .cache = "a:{x}" },
	  "several ways" },
	{ "a key of another program",
	  { "PUT", "/t/a/{id}", handler, NP_TX_WRITE, by_id,
	    .invalidates = NP_KEYS("all", "two:{id}") },
	  "no route of this program" },
	{ "a key with another name for its parameter",
	  { "PUT", "/t/a/{whose}", handler, NP_TX_WRITE, by_whose,
	    .invalidates = NP_KEYS("one:{whose}", "all") },
	  NULL },
	{ "a longer key",
	  { "PUT", "/t/a/{id}", handler, NP_TX_WRITE, by_id, .invalidates = NP_KEYS("one:{id}:") },
	  "no route of this program" },
	{ "a part of a key",
	  { "PUT", "/t/a/{id}", handler, NP_TX_WRITE, by_id, .invalidates = NP_KEYS("one:") },
	  "no route of this program" },
	{ "too many keys to invalidate",
	  { "PUT", "/t/a", handler, NP_TX_WRITE,
	    .invalidates = NP_KEYS("all", "all", "all", "all", "all", "all", "all", "all", "all",
	                           "all", "all", "all", "all", "all", "all", "all") },
	  "too many keys" },
	{ "a read that invalidates a key",
	  { "GET", "/t/a/{id}", handler, NP_TX_READ, by_id, .invalidates = NP_KEYS("all") },
	  "not NP_TX_WRITE" },
	{ "an invalidated key with an unknown name",
	  { "PUT", "/t/a/{id}", handler, NP_TX_WRITE, by_id,
	    .invalidates = NP_KEYS("all", "{no}") },
	  "a key refers to" },
	{ "a schema named like that of errors",
	  { "GET", "/t/a", handler, .returns = &problem },
	  "Problem" },
	{ "the operationId of another route",
	  { "GET", "/t/ones/{id}", handler, .params = by_id },
	  "same operationId" },
	{ "the same route with its own operationId",
	  { "GET", "/t/ones/{id}", handler, .params = by_id, .operation = "another" },
	  NULL },
	{ "another route's operationId as .operation",
	  { "POST", "/t/a", handler, .operation = "getTAll" },
	  "GET /t/all has the same operationId" },
	{ "an operationId with a dash",
	  { "GET", "/t/a", handler, .operation = "a-b" },
	  "letters, digits" },
	{ "an empty operationId", { "GET", "/t/a", handler, .operation = "" }, "is empty" },
	{ "a member twice",
	  { "GET", "/t/a", handler, .returns = &same_members },
	  "\"a\" of its schema" },
	{ "a member inside another",
	  { "GET", "/t/a", handler, .returns = &inner_members },
	  "\"a\" of its schema" },
	{ "a longer path", { "GET", "/t/one/id/more", handler }, NULL },
	{ "a route twice", { "GET", "/t/first", handler }, "twice" },
	{ "a parameter twice",
	  { "GET", "/t/a", handler, .params = two_of_one },
	  "\"x\" is defined twice" },
	{ "one name at two places", { "PUT", "/t/a/{id}", handler, .params = two_places }, NULL },
	{ "the program's own path", { "GET", "/t", handler }, NULL },
	{ "another program's path", { "GET", "/a", handler }, "/t and what is below it" },
	{ "a path that only begins with its name",
	  { "GET", "/tea", handler },
	  "/t and what is below it" },
	{ "the path without a segment", { "GET", "/", handler }, "/t and what is below it" },
	{ "another method of the same path", { "POST", "/t/first", handler }, NULL },
	{ "a precondition of a path with a GET",
	  { "PUT", "/t/one/{id}", handler, NP_TX_WRITE, by_id, .precondition = true },
	  NULL },
	{ "a precondition of a path without one",
	  { "PUT", "/t/other/{id}", handler, NP_TX_WRITE, by_id, .precondition = true },
	  "no GET to compare with" },
	{ "a precondition of a GET", { "GET", "/t/a", handler, .precondition = true }, "is a GET" },
	{ "a body of GET", { "GET", "/t/a", handler, .params = in_body }, "body" },
};

static void
faults_of_a_table_are_found(void **state)
{
	for (size_t i = 0; i < COUNT_OF(table_rows); i++) {
		const struct table_row *row = &table_rows[i];
		/* After valid rows, to see that every row is checked. */
		const struct np_route table[] = {
			{ "GET", "/t/first", handler },
			{ "GET", "/t/all", handler, NP_TX_READ, .cache = "all" },
			{ "GET", "/t/one/{id}", handler, NP_TX_READ, by_id, .cache = "one:{id}",
			  .operation = "getTOne" },
			row->route,
			NP_ROUTES_END,
		};
		const char *fault = table_fault(*state, "t", table);

		row_int(row, fault != NULL, row->says != NULL);
		row_true(row, !fault || strstr(fault, row->says));
	}
}

static void
root_serves_the_path_without_a_segment(void **state)
{
	const struct np_route valid[] = { { "GET", "/", handler },
		                          { "GET", "/root/x", handler },
		                          NP_ROUTES_END };
	const struct np_route bad[] = { { "GET", "/x", handler }, NP_ROUTES_END };

	assert_null(table_fault(*state, "root", valid));
	assert_string_equal(
	    table_fault(*state, "root", bad),
	    "GET /x: nginx sends it to another program: this one gets / and what is below /root");
}

/* --- lists without an end --- */

static const struct np_param endless[] = {
	{ .name = "x", .in = NP_IN_QUERY, .type = NP_TYPE_INT }
};
static const char *const endless_names[] = { "a", "b" };
static const struct np_param endless_choice[] = {
	{ .name = "x", .in = NP_IN_QUERY, .type = NP_TYPE_ENUM, .choices = endless_names },
	NP_PARAMS_END,
};
static const struct np_schema endless_choice_schema = { "EndlessChoice", endless_choice };
static const struct np_conflict endless_details[] = { { "a", "b" } };
static const struct np_schema endless_schema = { "Endless", endless };

static const struct np_route ends[] = {
	{ "GET", "/t", handler, .params = two_places, .invalidates = NP_KEYS("a", "b"),
	  .conflicts = NP_CONFLICTS({ "a", "b" }) },
	{ "GET", "/t/a", handler, .params = some_choices, .returns = &problem },
	NP_ROUTES_END,
};
static const struct np_route endless_routes[] = { { "GET", "/t", handler } };
static const struct np_route endless_params[] = { { "GET", "/t", handler, .params = endless },
	                                          NP_ROUTES_END };
static const struct np_route endless_choices[] = {
	{ "GET", "/t", handler, .params = endless_choice }, NP_ROUTES_END
};
static const struct np_route endless_members[] = {
	{ "GET", "/t", handler, .returns = &endless_schema }, NP_ROUTES_END
};
static const struct np_route endless_member_choices[] = {
	{ "GET", "/t", handler, .returns = &endless_choice_schema }, NP_ROUTES_END
};
static const struct np_route endless_conflicts[] = {
	{ "GET", "/t", handler, .conflicts = endless_details }, NP_ROUTES_END
};
static const struct np_route endless_keys[] = {
	{ "GET", "/t", handler, .invalidates = endless_names }, NP_ROUTES_END
};

static const struct end_row {
	const char *about;
	const struct np_route *routes;
	const char *says; /* NULL: all have an end */
} end_rows[] = {
	{ "all there", ends, NULL },
	{ "routes", endless_routes, "the routes do not end with NP_ROUTES_END" },
	{ "parameters", endless_params, "GET /t: its parameters do not end with NP_PARAMS_END" },
	{ "choices", endless_choices,
	  "GET /t: a parameter's choices do not end with NULL (NP_CHOICES)" },
	{ "members", endless_members,
	  "GET /t: the members of what it returns do not end with NP_PARAMS_END" },
	{ "choices of a member", endless_member_choices,
	  "GET /t: a member's choices do not end with NULL (NP_CHOICES)" },
	{ "conflicts", endless_conflicts,
	  "GET /t: its conflicts do not end with NULL (NP_CONFLICTS)" },
	{ "keys", endless_keys, "GET /t: the list `invalidates` does not end with NULL (NP_KEYS)" },
};

static void
a_list_without_an_end_is_found(void **state)
{
	for (size_t i = 0; i < COUNT_OF(end_rows); i++)
		row_text(&end_rows[i], table_end_fault(*state, end_rows[i].routes),
		         end_rows[i].says);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(faults_of_a_table_are_found),
		TEST(root_serves_the_path_without_a_segment),
		TEST(a_list_without_an_end_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
