#include "unit.h"

#include "http/table.h"

static bool
handler(struct np_ctx *ctx)
{
	(void)ctx;
	return true;
}

static const struct np_param id = { .name = "id", .in = NP_IN_PATH, .type = NP_TYPE_UUID };
static const struct np_param whose = { .name = "whose", .in = NP_IN_PATH, .type = NP_TYPE_UUID };
static const struct np_param part = { .name = "part", .in = NP_IN_PATH, .type = NP_TYPE_STRING };
static const struct np_param id_in_query = { .name = "id", .in = NP_IN_QUERY, .type = NP_TYPE_INT };
static const struct np_param name_in_body = { .name = "name",
	                                      .in = NP_IN_BODY,
	                                      .type = NP_TYPE_STRING };
static const struct np_param nowhere = { .name = "name", .type = NP_TYPE_STRING };
static const struct np_param without_type = { .name = "name",
	                                      .in = NP_IN_QUERY,
	                                      .type = (enum np_type)TYPE_COUNT };

#define ONE(param, ...) \
	static const struct np_param param = { .name = "x", .in = NP_IN_QUERY, __VA_ARGS__ }
static const struct np_param a = { .name = "a", .type = NP_TYPE_STRING };
static const struct np_param b = { .name = "b" };
static const struct np_param other_a = { .name = "a" };
static const struct np_param bad_example = { .name = "a", .type = NP_TYPE_JSON, .example = "{" };
static const struct np_param inner_a = { .name = "a.b" };
static const struct np_schema same_members = { .name = "Same",
	                                       .members = NP_PARAMS(&a, &b, &other_a) };
static const struct np_schema repeated_member = { .name = "Repeated",
	                                          .members = NP_PARAMS(&a, &b, &a) };
static const struct np_schema null_member = { .name = "Null", .members = NP_PARAMS(&a, NULL) };
static const struct np_schema untyped_member = { .name = "Untyped",
	                                         .members = NP_PARAMS(&a, &without_type) };
static const struct np_schema bad_example_member = { .name = "Bad",
	                                             .members = NP_PARAMS(&bad_example) };
static const struct np_schema inner_members = { .name = "Inner",
	                                        .members = NP_PARAMS(&a, &inner_a) };
static const struct np_param x = { .name = "x", .in = NP_IN_QUERY, .type = NP_TYPE_INT };
static const struct np_param y = { .name = "y", .in = NP_IN_QUERY, .type = NP_TYPE_INT };
static const struct np_param other_x = { .name = "x", .in = NP_IN_QUERY, .type = NP_TYPE_STRING };
static const struct np_param id_in_body = { .name = "id", .in = NP_IN_BODY, .type = NP_TYPE_UUID };
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
ONE(choice_of_int, .type = NP_TYPE_INT, .choices = NP_NAMES("1"));
ONE(null_choice, .type = NP_TYPE_ENUM, .choices = NP_NAMES("a", NULL));
ONE(some_choices, .type = NP_TYPE_ENUM, .choices = NP_NAMES("a", "b"), .default_value = "b");
ONE(other_choice, .type = NP_TYPE_ENUM, .choices = NP_NAMES("a", "b"), .default_value = "c");
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
static const struct np_param user = { .name = "user", .in = NP_IN_BODY, .type = NP_TYPE_OBJECT };
static const struct np_param user_name = { .name = "user.name",
	                                   .in = NP_IN_BODY,
	                                   .type = NP_TYPE_STRING };
static const struct np_param list_in_path = {
	.name = "id", .in = NP_IN_PATH, .type = NP_TYPE_UUID, .max_items = 2
};

static const struct np_param loud_header = { .name = "X-Token",
	                                     .in = NP_IN_HEADER,
	                                     .type = NP_TYPE_STRING };

static const struct np_param nameless = { .in = NP_IN_QUERY, .type = NP_TYPE_INT };
static const struct np_schema member_without_choices = { .name = "NoChoices",
	                                                 .members = NP_PARAMS(&no_choices) };
static const struct np_schema without_members = { .name = "Empty" };

/* --- bodies --- */

#define BODY(name_, ...) \
	static const struct np_param name_ = { .name = #name_, .in = NP_IN_BODY, __VA_ARGS__ }
BODY(sku, .type = NP_TYPE_STRING, .required = true, .max = 9);
BODY(amount, .type = NP_TYPE_INT, .default_value = "1");
BODY(bad_amount, .type = NP_TYPE_INT, .default_value = "one");
BODY(items, .type = NP_TYPE_OBJECT, .max_items = 3, .members = NP_PARAMS(&sku, &amount));
BODY(boxes, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&items));
BODY(wrong_boxes, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&sku, &bad_amount));
BODY(outer_boxes, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&wrong_boxes));
BODY(twice, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&sku, &sku));
BODY(with_dot, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&user_name));
BODY(with_query, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&id_in_query));
BODY(with_null, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&sku, NULL));
BODY(no_object, .type = NP_TYPE_STRING, .members = NP_PARAMS(&sku));
BODY(file, .type = NP_TYPE_FILE, .min = 1, .max = 99, .choices = NP_NAMES("image/"));
BODY(files, .type = NP_TYPE_FILE, .max_items = 3);
BODY(null_file, .type = NP_TYPE_FILE, .nullable = true);
BODY(with_file, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&file));
BODY(level2, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&sku));
BODY(level3, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&level2));
BODY(level4, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&level3));
BODY(level5, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&level4));
BODY(level6, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&level5));
BODY(level7, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&level6));
BODY(level8, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&level7));
BODY(level9, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&level8));
BODY(level10, .type = NP_TYPE_OBJECT, .members = NP_PARAMS(&level9));
BODY(capital_type, .type = NP_TYPE_FILE, .choices = NP_NAMES("Image/PNG"));
BODY(wildcard_type, .type = NP_TYPE_FILE, .choices = NP_NAMES("image/*"));
BODY(half_a_type, .type = NP_TYPE_FILE, .choices = NP_NAMES("image"));
BODY(too_many_files, .type = NP_TYPE_FILE, .max_items = 101);
static const struct np_param comment;
static const struct np_params inner_comments = { (const struct np_param *const[]){ &comment }, 1 };
static const struct np_param comment = {
	.name = "comments", .type = NP_TYPE_OBJECT, .max_items = 9, .members = &inner_comments
};
static const struct np_schema comments_schema = { .name = "Comments",
	                                          .members = NP_PARAMS(&comment) };
static const struct np_schema file_schema = { .name = "File", .members = NP_PARAMS(&file) };
static const struct np_param session = { .name = "session",
	                                 .in = NP_IN_COOKIE,
	                                 .type = NP_TYPE_STRING };
static const struct np_param spaced_cookie = { .name = "my session",
	                                       .in = NP_IN_COOKIE,
	                                       .type = NP_TYPE_STRING };
static const struct np_param file_in_query = { .name = "f",
	                                       .in = NP_IN_QUERY,
	                                       .type = NP_TYPE_FILE };
static const struct np_param member_choices = { .name = "deep",
	                                        .type = NP_TYPE_OBJECT,
	                                        .members = NP_PARAMS(&no_choices) };
static const struct np_schema deep_schema = { .name = "Deep",
	                                      .members = NP_PARAMS(&member_choices) };

/* As many objects as a route may have, and one more, each with a name of its own. */
#define NUMBERED(n)                                                    \
	&(const struct np_param)                                       \
	{                                                              \
		.name = "p" #n, .in = NP_IN_QUERY, .type = NP_TYPE_INT \
	}
#define EIGHT(n)                                                                        \
	NUMBERED(n##0), NUMBERED(n##1), NUMBERED(n##2), NUMBERED(n##3), NUMBERED(n##4), \
	    NUMBERED(n##5), NUMBERED(n##6), NUMBERED(n##7)
static const struct np_param *const many_params[] = { EIGHT(0), EIGHT(1), EIGHT(2),
	                                              EIGHT(3), EIGHT(4), EIGHT(5),
	                                              EIGHT(6), EIGHT(7), NUMBERED(80) };
static const struct np_params most_params = { many_params, 64 };
static const struct np_params too_many_params = { many_params, 65 };

static const struct np_schema problem = { .name = "Problem", .members = NP_PARAMS(&name_in_body) };

#define ROUTE(verb, ...)                                               \
	{                                                              \
		.method = verb, .handle = handler, .path = __VA_ARGS__ \
	}

static const struct table_row {
	const char *about;
	struct np_route route;
	const char *says; /* NULL: nothing is wrong */
} table_rows[] = {
	{ "objects in a list", ROUTE("POST", "/t/a", .params = NP_PARAMS(&items)), NULL },
	{ "a list in an object", ROUTE("POST", "/t/a", .params = NP_PARAMS(&boxes)), NULL },
	{ "eight levels", ROUTE("POST", "/t/a", .params = NP_PARAMS(&level9, &sku)), NULL },
	{ "nine levels", ROUTE("POST", "/t/a", .params = NP_PARAMS(&level10)), "8 levels" },
	{ "a member with a wrong default value",
	  ROUTE("POST", "/t/a", .params = NP_PARAMS(&wrong_boxes)),
	  "parameter \"wrong_boxes\" has a member \"bad_amount\" that has an invalid" },
	{ "a member of a member with a wrong default value",
	  ROUTE("POST", "/t/a", .params = NP_PARAMS(&outer_boxes)),
	  "has a member \"wrong_boxes\" that has a member \"bad_amount\" that has an invalid" },
	{ "a member twice", ROUTE("POST", "/t/a", .params = NP_PARAMS(&twice)), "is listed twice" },
	{ "a member with a dot", ROUTE("POST", "/t/a", .params = NP_PARAMS(&with_dot)),
	  "has a dot in its name" },
	{ "a member of a query", ROUTE("POST", "/t/a", .params = NP_PARAMS(&with_query)),
	  "is not in the body" },
	{ "a member that is not there", ROUTE("POST", "/t/a", .params = NP_PARAMS(&with_null)),
	  "has a member that is NULL" },
	{ "members of a string", ROUTE("POST", "/t/a", .params = NP_PARAMS(&no_object)),
	  "has members but is not an NP_TYPE_OBJECT" },
	{ "a member of a schema's object without choices",
	  ROUTE("GET", "/t/a", .returns = &deep_schema), "without choices" },
	{ "a file",
	  ROUTE("POST", "/t/a", .body = NP_BODY_MULTIPART, .params = NP_PARAMS(&sku, &file)),
	  NULL },
	{ "several files",
	  ROUTE("POST", "/t/a", .body = NP_BODY_MULTIPART, .params = NP_PARAMS(&files)), NULL },
	{ "a file in JSON", ROUTE("POST", "/t/a", .params = NP_PARAMS(&file)),
	  "is not of NP_BODY_MULTIPART" },
	{ "a file in a query", ROUTE("POST", "/t/a", .params = NP_PARAMS(&file_in_query)), "file" },
	{ "a file of a type in capitals",
	  ROUTE("POST", "/t/a", .body = NP_BODY_MULTIPART, .params = NP_PARAMS(&capital_type)),
	  "no media type in lower case" },
	{ "a file of types with a star",
	  ROUTE("POST", "/t/a", .body = NP_BODY_MULTIPART, .params = NP_PARAMS(&wildcard_type)),
	  "no media type in lower case" },
	{ "a file of half a type",
	  ROUTE("POST", "/t/a", .body = NP_BODY_MULTIPART, .params = NP_PARAMS(&half_a_type)),
	  "no media type in lower case" },
	{ "101 files",
	  ROUTE("POST", "/t/a", .body = NP_BODY_MULTIPART, .params = NP_PARAMS(&too_many_files)),
	  "more than 100 files" },
	{ "a schema that contains itself", ROUTE("GET", "/t/a", .returns = &comments_schema),
	  "8 levels" },
	{ "a schema with a file", ROUTE("GET", "/t/a", .returns = &file_schema), "is a file" },
	{ "a cookie", ROUTE("GET", "/t/a", .params = NP_PARAMS(&session)), NULL },
	{ "a cookie whose name has a space",
	  ROUTE("GET", "/t/a", .params = NP_PARAMS(&spaced_cookie)), "name is no token" },
	{ "a cookie of a cached response",
	  ROUTE("GET", "/t/a", .tx = NP_TX_READ, .params = NP_PARAMS(&session),
	        .cache = { .key = "a" }),
	  "is a cookie, and all clients" },
	{ "a page and a list",
	  ROUTE("GET", "/t/a", .page = true, .list = true, .returns = &deep_schema),
	  "more than one" },
	{ "a schema and another media type",
	  ROUTE("GET", "/t/a", .produces = "text/csv", .returns = &file_schema), "more than one" },
	{ "a redirect with a schema",
	  ROUTE("GET", "/t/a", .success = NP_STATUS_FOUND, .returns = &file_schema),
	  "its success has no content" },
	{ "a redirect", ROUTE("GET", "/t/a", .success = NP_STATUS_FOUND), NULL },
	{ "a file in an object", ROUTE("POST", "/t/a", .params = NP_PARAMS(&with_file)),
	  "is a file or a cursor in an object" },
	{ "a file that may be null",
	  ROUTE("POST", "/t/a", .body = NP_BODY_MULTIPART, .params = NP_PARAMS(&null_file)),
	  "may be null" },
	{ "an object in multipart",
	  ROUTE("POST", "/t/a", .body = NP_BODY_MULTIPART, .params = NP_PARAMS(&items)),
	  "single values" },
	{ "multipart without parameters", ROUTE("POST", "/t/a", .body = NP_BODY_MULTIPART),
	  "needs parameters" },
	{ "an object in a form", ROUTE("POST", "/t/a", .form = true, .params = NP_PARAMS(&items)),
	  "a form can have only" },
	{ "a form that is multipart",
	  ROUTE("POST", "/t/a", .form = true, .body = NP_BODY_MULTIPART, .params = NP_PARAMS(&sku)),
	  "a form can have only" },
	{ "bytes", ROUTE("POST", "/t/a", .body = NP_BODY_RAW, .params = NP_PARAMS(&id_in_query)),
	  NULL },
	{ "bytes and parameters",
	  ROUTE("POST", "/t/a", .body = NP_BODY_RAW, .params = NP_PARAMS(&sku)),
	  "its .body is one value" },
	{ "JSON and parameters",
	  ROUTE("POST", "/t/a", .body = NP_BODY_JSON, .params = NP_PARAMS(&sku)),
	  "its .body is one value" },
	{ "bytes of a GET", ROUTE("GET", "/t/a", .body = NP_BODY_RAW), "is a GET" },
	{ "a body of no kind", ROUTE("POST", "/t/a", .body = (enum np_body)7), "body" },
	{ "64 MiB", ROUTE("POST", "/t/a", .body = NP_BODY_RAW, .body_max = 64 << 20), NULL },
	{ "more than 64 MiB",
	  ROUTE("POST", "/t/a", .body = NP_BODY_RAW, .body_max = (64 << 20) + 1), "body_max" },
	{ "fewer than no bytes", ROUTE("POST", "/t/a", .body = NP_BODY_RAW, .body_max = -1),
	  "body_max" },
	{ "plain", ROUTE("GET", "/t/a"), NULL },
	{ "a slash at the end", ROUTE("GET", "/t/"), NULL },
	{ "choices", ROUTE("GET", "/t/a", .params = NP_PARAMS(&some_choices)), NULL },
	{ "a default value that is not a JSON number",
	  ROUTE("GET", "/t/a", .params = NP_PARAMS(&default_with_leading_zero)),
	  "parameter \"x\" has a default value that is not JSON" },
	{ "an example that is not JSON",
	  ROUTE("GET", "/t/a", .params = NP_PARAMS(&word_for_example)),
	  "parameter \"x\" has an example that is not JSON" },
	{ "an example that is a text", ROUTE("GET", "/t/a", .params = NP_PARAMS(&text_for_example)),
	  NULL },
	{ "an example that is a list", ROUTE("GET", "/t/a", .params = NP_PARAMS(&list_for_example)),
	  NULL },
	{ "an example of a list that is not a list",
	  ROUTE("GET", "/t/a", .params = NP_PARAMS(&no_list_for_example)), "example" },
	{ "an example of a member that is not JSON",
	  ROUTE("GET", "/t/a", .returns = &bad_example_member),
	  "member \"a\" of its schema has an example that is not JSON" },
	{ "no choices", ROUTE("GET", "/t/a", .params = NP_PARAMS(&no_choices)), "without choices" },
	{ "choices of a number", ROUTE("GET", "/t/a", .params = NP_PARAMS(&choice_of_int)),
	  "has choices but is not an NP_TYPE_ENUM" },
	{ "a choice that is not there", ROUTE("GET", "/t/a", .params = NP_PARAMS(&null_choice)),
	  "a choice that is NULL" },
	{ "a member without choices", ROUTE("GET", "/t/a", .returns = &member_without_choices),
	  "member \"x\" of its schema is an NP_TYPE_ENUM without choices" },
	{ "a key to invalidate that is not there",
	  ROUTE("PUT", "/t/a", .tx = NP_TX_WRITE,
	        .cache = { .invalidates = NP_NAMES("all", NULL) }),
	  "it invalidates a key that is NULL" },
	{ "an isolation level",
	  ROUTE("GET", "/t/a", .tx = NP_TX_READ, .isolation = NP_ISOLATION_SERIALIZABLE), NULL },
	{ "an isolation level without a transaction",
	  ROUTE("GET", "/t/a", .isolation = NP_ISOLATION_SERIALIZABLE),
	  "it has an isolation level but is NP_TX_NONE" },
	{ "a default value that is not a choice",
	  ROUTE("GET", "/t/a", .params = NP_PARAMS(&other_choice)), "default value" },
	{ "JSON in a query", ROUTE("GET", "/t/a", .params = NP_PARAMS(&json_in_query)),
	  "outside of a body" },
	{ "a list of cursors", ROUTE("GET", "/t/a", .params = NP_PARAMS(&list_of_cursors)),
	  "of cursors" },
	{ "a list with a default value",
	  ROUTE("GET", "/t/a", .params = NP_PARAMS(&list_with_default)), "default value" },
	{ "a list in a path", ROUTE("GET", "/t/a/{id}", .params = NP_PARAMS(&list_in_path)),
	  "outside of a body" },
	{ "an invalid pattern", ROUTE("GET", "/t/a", .params = NP_PARAMS(&bad_pattern)),
	  "pattern" },
	{ "a pattern", ROUTE("GET", "/t/a", .params = NP_PARAMS(&pattern)), NULL },
	{ "a pattern without a max", ROUTE("GET", "/t/a", .params = NP_PARAMS(&endless_pattern)),
	  "parameter \"x\" has a pattern and no max" },
	{ "a pattern of long values", ROUTE("GET", "/t/a", .params = NP_PARAMS(&long_pattern)),
	  "a max above" },
	{ "a pattern with a back-reference",
	  ROUTE("GET", "/t/a", .params = NP_PARAMS(&back_reference)), "back-reference" },
	{ "a pattern that repeats repetitions",
	  ROUTE("GET", "/t/a", .params = NP_PARAMS(&repetitions)), "repeats too much" },
	{ "a pattern of a number", ROUTE("GET", "/t/a", .params = NP_PARAMS(&pattern_of_int)),
	  "pattern" },
	{ "a field inside another parameter",
	  ROUTE("POST", "/t/a", .params = NP_PARAMS(&user, &user_name)),
	  "is inside another parameter" },
	{ "a name and its parameter", ROUTE("PUT", "/t/a/{id}", .params = NP_PARAMS(&id)), NULL },
	{ "two names and their parameters",
	  ROUTE("GET", "/t/a/{part}/{id}", .params = NP_PARAMS(&part, &id)), NULL },
	{ "a body", ROUTE("POST", "/t/a", .params = NP_PARAMS(&name_in_body)), NULL },
	{ "no slash", ROUTE("GET", "a"), "starts with /" },
	{ "empty path", ROUTE("GET", ""), "starts with /" },
	{ "unknown method", ROUTE("BREW", "/t/a"), "method" },
	{ "HEAD comes with GET", ROUTE("HEAD", "/t/a"), "method" },
	{ "OPTIONS comes by itself", ROUTE("OPTIONS", "/t/a"), "method" },
	{ "method in lower case", ROUTE("get", "/t/a"), "method" },
	{ "a name without parameters", ROUTE("GET", "/t/a/{id}"), "{name}" },
	{ "a name of a parameter in another place",
	  ROUTE("GET", "/t/a/{id}", .params = NP_PARAMS(&id_in_query)), "{name}" },
	{ "one of two names is missing", ROUTE("GET", "/t/{id}/{part}", .params = NP_PARAMS(&id)),
	  "{name}" },
	{ "a parameter that is not in the path", ROUTE("GET", "/t/a", .params = NP_PARAMS(&id)),
	  "is not in the path" },
	{ "one of two parameters is not in the path",
	  ROUTE("GET", "/t/a/{id}", .params = NP_PARAMS(&part, &id)), "is not in the path" },
	{ "no place", ROUTE("GET", "/t/a", .params = NP_PARAMS(&nowhere)), "no place" },
	{ "no type", ROUTE("GET", "/t/a", .params = NP_PARAMS(&without_type)), "no type" },
	{ "min above max", ROUTE("GET", "/t/a", .params = NP_PARAMS(&upside_down)),
	  "min above its max" },
	{ "only a min", ROUTE("GET", "/t/a", .params = NP_PARAMS(&only_min)), NULL },
	{ "bounds of a type that has none",
	  ROUTE("GET", "/t/a", .params = NP_PARAMS(&bounded_bool)), "has bounds" },
	{ "a default value out of bounds",
	  ROUTE("GET", "/t/a", .params = NP_PARAMS(&wrong_default)), "invalid default value" },
	{ "a default value of a required parameter",
	  ROUTE("GET", "/t/a", .params = NP_PARAMS(&needless_default)), "required" },
	{ "a header in upper case", ROUTE("GET", "/t/a", .params = NP_PARAMS(&loud_header)),
	  "lower case" },
	{ "no handler", { .method = "GET", .path = "/t/a", .handle = NULL }, "a handler" },
	{ "a key",
	  ROUTE("GET", "/t/a/{id}", .tx = NP_TX_READ, .params = NP_PARAMS(&id),
	        .cache = { .key = "a:{id}" }),
	  NULL },
	{ "a key of a write",
	  ROUTE("POST", "/t/a", .tx = NP_TX_WRITE, .params = NP_PARAMS(&name_in_body),
	        .cache = { .key = "a" }),
	  "not a GET" },
	{ "a key with an unknown name",
	  ROUTE("GET", "/t/a/{id}", .tx = NP_TX_READ, .params = NP_PARAMS(&id),
	        .cache = { .key = "a:{i}" }),
	  "an unknown parameter" },
	{ "a key with half a name",
	  ROUTE("GET", "/t/a/{id}", .tx = NP_TX_READ, .params = NP_PARAMS(&id),
	        .cache = { .key = "a:{id" }),
	  "an unknown parameter" },
	{ "a key in a route without parameters",
	  ROUTE("GET", "/t/a", .tx = NP_TX_READ, .cache = { .key = "{id}" }),
	  "an unknown parameter" },
	{ "a key of a number with a fraction",
	  ROUTE("GET", "/t/a", .tx = NP_TX_READ, .params = NP_PARAMS(&fraction),
	        .cache = { .key = "a:{x}" }),
	  "several ways" },
	{ "a key of another program",
	  ROUTE("PUT", "/t/a/{id}", .tx = NP_TX_WRITE, .params = NP_PARAMS(&id),
	        .cache = { .invalidates = NP_NAMES("all", "two:{id}") }),
	  "no route of this program" },
	{ "a key with another name for its parameter",
	  ROUTE("PUT", "/t/a/{whose}", .tx = NP_TX_WRITE, .params = NP_PARAMS(&whose),
	        .cache = { .invalidates = NP_NAMES("one:{whose}", "all") }),
	  NULL },
	{ "a longer key",
	  ROUTE("PUT", "/t/a/{id}", .tx = NP_TX_WRITE, .params = NP_PARAMS(&id),
	        .cache = { .invalidates = NP_NAMES("one:{id}:") }),
	  "no route of this program" },
	{ "a part of a key",
	  ROUTE("PUT", "/t/a/{id}", .tx = NP_TX_WRITE, .params = NP_PARAMS(&id),
	        .cache = { .invalidates = NP_NAMES("one:") }),
	  "no route of this program" },
	{ "too many keys to invalidate",
	  ROUTE("PUT", "/t/a", .tx = NP_TX_WRITE,
	        .cache = { .invalidates = NP_NAMES("all", "all", "all", "all", "all", "all", "all",
	                                           "all", "all", "all", "all", "all", "all", "all",
	                                           "all", "all") }),
	  "too many keys" },
	{ "a read that invalidates a key",
	  ROUTE("GET", "/t/a/{id}", .tx = NP_TX_READ, .params = NP_PARAMS(&id),
	        .cache = { .invalidates = NP_NAMES("all") }),
	  "not NP_TX_WRITE" },
	{ "an invalidated key with an unknown name",
	  ROUTE("PUT", "/t/a/{id}", .tx = NP_TX_WRITE, .params = NP_PARAMS(&id),
	        .cache = { .invalidates = NP_NAMES("all", "{no}") }),
	  "a key refers to" },
	{ "a schema named like that of errors", ROUTE("GET", "/t/a", .returns = &problem),
	  "Problem" },
	{ "the operationId of another route",
	  ROUTE("GET", "/t/ones/{id}", .params = NP_PARAMS(&id)), "same operationId" },
	{ "the same route with its own operationId",
	  ROUTE("GET", "/t/ones/{id}", .params = NP_PARAMS(&id),
	        .docs = { .operation = "another" }),
	  NULL },
	{ "another route's operationId as .operation",
	  ROUTE("POST", "/t/a", .docs = { .operation = "getTAll" }),
	  "GET /t/all has the same operationId" },
	{ "an operationId with a dash", ROUTE("GET", "/t/a", .docs = { .operation = "a-b" }),
	  "letters, digits" },
	{ "an empty operationId", ROUTE("GET", "/t/a", .docs = { .operation = "" }), "is empty" },
	{ "a tx that is none", ROUTE("GET", "/t/a", .tx = (enum np_tx)9), "none of its enum" },
	{ "an isolation that is none", ROUTE("GET", "/t/a", .isolation = (enum np_isolation)7),
	  "none of its enum" },
	{ "an auth that is none", ROUTE("GET", "/t/a", .auth = (enum np_auth)9),
	  "none of its enum" },
	{ "a scope", ROUTE("GET", "/t/a", .auth = NP_AUTH_USER, .require = "notes:read"), NULL },
	{ "a scope without a token", ROUTE("GET", "/t/a", .require = "admin"), "requires a scope" },
	{ "a scope with an optional token",
	  ROUTE("GET", "/t/a", .auth = NP_AUTH_OPTIONAL, .require = "admin"), "requires a scope" },
	{ "a scope of a key",
	  ROUTE("GET", "/t/a", .tx = NP_TX_READ, .auth = NP_AUTH_KEY, .require = "a"), NULL },
	{ "a scope of a guard",
	  ROUTE("GET", "/t/a", .tx = NP_TX_READ, .guard = handler, .require = "a"), NULL },
	{ "a scope of a guard with an optional token",
	  ROUTE("GET", "/t/a", .tx = NP_TX_READ, .auth = NP_AUTH_OPTIONAL, .guard = handler,
	        .require = "a"),
	  "requires a scope" },
	{ "a key without a database", ROUTE("GET", "/t/a", .auth = NP_AUTH_KEY),
	  "only the database knows" },
	{ "a cache with a guard",
	  ROUTE("GET", "/t/a", .tx = NP_TX_READ, .guard = handler, .cache = { .key = "a" }),
	  ".auth or .guard" },
	{ "an empty scope", ROUTE("GET", "/t/a", .auth = NP_AUTH_USER, .require = ""), "is empty" },
	{ "two scopes", ROUTE("GET", "/t/a", .auth = NP_AUTH_USER, .require = "a b"), "a space" },
	{ "a scope with a quote", ROUTE("GET", "/t/a", .auth = NP_AUTH_USER, .require = "a\"b"),
	  "a quote" },
	{ "a scope that is not ASCII",
	  ROUTE("GET", "/t/a", .auth = NP_AUTH_USER, .require = "\303\251"), "another character" },
	{ "a success that is none", ROUTE("GET", "/t/a", .success = (enum np_status)404),
	  "none of enum np_status" },
	{ "an omitted column that is NULL",
	  ROUTE("GET", "/t/a", .answer = { .omit = NP_NAMES(NULL) }), "that is NULL" },
	{ "a member twice", ROUTE("GET", "/t/a", .returns = &same_members), "\"a\" of its schema" },
	{ "a member's object twice", ROUTE("GET", "/t/a", .returns = &repeated_member),
	  "member \"a\" of its schema is defined twice" },
	{ "a member that is not there", ROUTE("GET", "/t/a", .returns = &null_member),
	  "a member of its schema is NULL or has no name" },
	{ "a member without a type", ROUTE("GET", "/t/a", .returns = &untyped_member),
	  "member \"name\" of its schema has no type" },
	{ "a member inside another", ROUTE("GET", "/t/a", .returns = &inner_members),
	  "\"a\" of its schema" },
	{ "a longer path", ROUTE("GET", "/t/one/id/more"), NULL },
	{ "a route twice", ROUTE("GET", "/t/first"), "twice" },
	{ "a parameter twice", ROUTE("GET", "/t/a", .params = NP_PARAMS(&x, &y, &other_x)),
	  "parameter \"x\" has the name and the place of another parameter" },
	{ "a parameter's object twice", ROUTE("GET", "/t/a", .params = NP_PARAMS(&x, &y, &x)),
	  "parameter \"x\" is listed twice" },
	{ "a parameter that is not there", ROUTE("GET", "/t/a", .params = NP_PARAMS(&x, NULL)),
	  "a parameter is NULL or has no name" },
	{ "a parameter without a name", ROUTE("GET", "/t/a", .params = NP_PARAMS(&nameless)),
	  "a parameter is NULL or has no name" },
	{ "64 parameters", ROUTE("GET", "/t/a", .params = &most_params), NULL },
	{ "more than 64 parameters", ROUTE("GET", "/t/a", .params = &too_many_params),
	  "more than 64 parameters" },
	{ "a partial body",
	  ROUTE("PATCH", "/t/a/{id}", .params = NP_PARAMS(&id, &name_in_body), .partial = true),
	  NULL },
	{ "a partial body without parameters",
	  ROUTE("PATCH", "/t/a/{id}", .params = NP_PARAMS(&id), .partial = true),
	  ".partial but has no parameters in the body" },
	{ "a form", ROUTE("POST", "/t/a", .params = NP_PARAMS(&name_in_body), .form = true), NULL },
	{ "a form with an object", ROUTE("POST", "/t/a", .params = NP_PARAMS(&user), .form = true),
	  "a form can have only" },
	{ "no method", { .path = "/t/a", .handle = handler }, "method" },
	{ "no path", { .method = "GET", .handle = handler }, "starts with /" },
	{ "a time to live without a key",
	  ROUTE("GET", "/t/a", .tx = NP_TX_READ, .cache = { .ttl_s = 5 }),
	  "a time to live but no cache key" },
	{ "a time to live below 0",
	  ROUTE("GET", "/t/a", .tx = NP_TX_READ, .cache = { .key = "a", .ttl_s = -1 }), "below 0" },
	{ "a key and .no_store",
	  ROUTE("GET", "/t/a", .tx = NP_TX_READ, .cache = { .key = "a", .no_store = true }),
	  "a cache key and .no_store" },
	{ "conflicts",
	  ROUTE("POST", "/t/a",
	        .errors = { .conflicts = NP_CONFLICTS({ "k", "A" }, { "l", "A" }) }),
	  NULL },
	{ "a conflict without a detail",
	  ROUTE("POST", "/t/a", .errors = { .conflicts = NP_CONFLICTS({ "k", NULL }) }),
	  "a conflict needs a constraint and a detail" },
	{ "a constraint twice",
	  ROUTE("POST", "/t/a",
	        .errors = { .conflicts = NP_CONFLICTS({ "k", "A" }, { "k", "B" }) }),
	  "conflict \"k\" is listed twice" },
	{ "a schema without members", ROUTE("GET", "/t/a", .returns = &without_members),
	  "its schema needs a name and members" },
	{ "one name at two places",
	  ROUTE("PUT", "/t/a/{id}", .params = NP_PARAMS(&id, &id_in_body)), NULL },
	{ "the program's own path", ROUTE("GET", "/t"), NULL },
	{ "another program's path", ROUTE("GET", "/a"), "/t and what is below it" },
	{ "a path that only begins with its name", ROUTE("GET", "/tea"),
	  "/t and what is below it" },
	{ "the path without a segment", ROUTE("GET", "/"), "/t and what is below it" },
	{ "another method of the same path", ROUTE("POST", "/t/first"), NULL },
	{ "a precondition of a path with a GET",
	  ROUTE("PUT", "/t/one/{id}", .tx = NP_TX_WRITE, .params = NP_PARAMS(&id),
	        .precondition = true),
	  NULL },
	{ "a precondition of a path without one",
	  ROUTE("PUT", "/t/other/{id}", .tx = NP_TX_WRITE, .params = NP_PARAMS(&id),
	        .precondition = true),
	  "no GET to compare with" },
	{ "a precondition of a GET", ROUTE("GET", "/t/a", .precondition = true), "is a GET" },
	{ "a body of GET", ROUTE("GET", "/t/a", .params = NP_PARAMS(&name_in_body)), "body" },
};

static void
faults_of_a_table_are_found(void **state)
{
	for (size_t i = 0; i < COUNT_OF(table_rows); i++) {
		const struct table_row *row = &table_rows[i];
		/* After valid rows, to see that every row is checked. */
		const struct np_route table[] = {
			ROUTE("GET", "/t/first"),
			ROUTE("GET", "/t/all", .tx = NP_TX_READ, .cache = { .key = "all" }),
			ROUTE("GET", "/t/one/{id}", .tx = NP_TX_READ, .params = NP_PARAMS(&id),
			      .docs = { .operation = "getTOne" }, .cache = { .key = "one:{id}" }),
			row->route,
		};
		const char *fault = table_fault(*state, "t",
		                                &(struct route_table){ table, COUNT_OF(table) });

		row_int(row, fault != NULL, row->says != NULL);
		row_true(row, !fault || strstr(fault, row->says));
	}
}

static void
root_serves_the_path_without_a_segment(void **state)
{
	const struct np_route valid[] = {
		ROUTE("GET", "/"),
		ROUTE("GET", "/root/x"),
	};
	const struct np_route bad[] = {
		ROUTE("GET", "/x"),
	};

	assert_null(table_fault(*state, "root", &(struct route_table){ valid, COUNT_OF(valid) }));
	assert_string_equal(
	    table_fault(*state, "root", &(struct route_table){ bad, COUNT_OF(bad) }),
	    "GET /x: nginx sends it to another program: this one gets / and what is below /root");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(faults_of_a_table_are_found),
		TEST(root_serves_the_path_without_a_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
