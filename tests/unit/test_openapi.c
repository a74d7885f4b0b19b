#include "http/openapi.h"
#include "http/openapi_schema.h"
#include "http/operation_name.h"
#include "http/pattern.h"
#include "unit.h"

enum { ID, LIMIT, KEY, NAME, AGE, ADMIN };
static const struct np_param params[] = {
	[ID] = { .name = "id",
	         .in = NP_IN_PATH,
	         .type = NP_TYPE_UUID,
	         .description = "which \"one\"" },
	[LIMIT] = { .name = "limit",
	            .in = NP_IN_QUERY,
	            .type = NP_TYPE_INT,
	            .min = 1,
	            .max = 100,
	            .default_value = "20" },
	[KEY] = { .name = "x-key",
	          .in = NP_IN_HEADER,
	          .type = NP_TYPE_STRING,
	          .required = true,
	          .max = 8 },
	[NAME] = { .name = "name",
	           .in = NP_IN_BODY,
	           .type = NP_TYPE_STRING,
	           .required = true,
	           .min = 1,
	           .max = 200,
	           .example = "Ada",
	           .description = "what to call it" },
	[AGE] = { .name = "age",
	          .in = NP_IN_BODY,
	          .type = NP_TYPE_INT,
	          .nullable = true,
	          .example = "36" },
	[ADMIN] = { .name = "admin",
	            .in = NP_IN_BODY,
	            .type = NP_TYPE_BOOL,
	            .default_value = "false" },
	NP_PARAMS_END,
};

static const struct np_param only_query[] = {
	{ .name = "after", .in = NP_IN_QUERY, .type = NP_TYPE_CURSOR },
	{ .name = "share", .in = NP_IN_QUERY, .type = NP_TYPE_FLOAT },
	{ .name = "email", .in = NP_IN_QUERY, .type = NP_TYPE_EMAIL },
	NP_PARAMS_END,
};

static const struct np_param only_body[] = {
	{ .name = "name", .in = NP_IN_BODY, .type = NP_TYPE_STRING },
	NP_PARAMS_END,
};

static const struct np_param nested[] = {
	{ .name = "user.email", .in = NP_IN_BODY, .type = NP_TYPE_EMAIL, .required = true },
	{ .name = "tags",
	  .in = NP_IN_BODY,
	  .type = NP_TYPE_STRING,
	  .max = 9,
	  .max_items = 3,
	  .example = "[\"a\"]" },
	{ .name = "user.address.zip",
	  .in = NP_IN_BODY,
	  .type = NP_TYPE_STRING,
	  .max = 9,
	  .pattern = "[0-9]{5}" },
	{ .name = "colour",
	  .in = NP_IN_BODY,
	  .type = NP_TYPE_ENUM,
	  .choices = NP_CHOICES("red", "blue") },
	{ .name = "moods",
	  .in = NP_IN_BODY,
	  .type = NP_TYPE_ENUM,
	  .choices = NP_CHOICES("a", "b"),
	  .max_items = 2,
	  .nullable = true },
	{ .name = "born", .in = NP_IN_BODY, .type = NP_TYPE_DATE, .nullable = true },
	{ .name = "quiz.answers",
	  .in = NP_IN_BODY,
	  .type = NP_TYPE_OBJECT,
	  .example = "{\"a\": 1}" },
	{ .name = "more", .in = NP_IN_BODY, .type = NP_TYPE_JSON },
	{ .name = "code", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .max_items = 2 },
	NP_PARAMS_END,
};

static const struct np_param members[] = {
	{ .name = "id", .type = NP_TYPE_UUID },
	{ .name = "at", .type = NP_TYPE_DATETIME },
	NP_PARAMS_END,
};
static const struct np_schema note = { "Note", members };

static const struct np_param state_members[] = {
	{ .name = "status", .type = NP_TYPE_STRING },
	{ .name = "parts.disk.free", .type = NP_TYPE_INT, .optional = true },
	{ .name = "parts.disk.full", .type = NP_TYPE_BOOL, .optional = true },
	NP_PARAMS_END,
};
static const struct np_schema state_schema = { "State", state_members };

static const struct np_route routes[] = {
	{ "POST", "/nested", NULL, .params = nested, .success = NP_STATUS_ACCEPTED, .form = true },
	{ "GET", "/notes", NULL, NP_TX_READ, only_query, "All \"notes\"", .returns = &note,
	  .page = true },
	{ "PUT", "/notes/{id}", NULL, .params = params },
	{ "POST", "/notes", NULL, NP_TX_WRITE, only_body, .conflict = "taken", .returns = &note },
	{ "DELETE", "/notes/{id}", NULL, NP_TX_WRITE, .auth = NP_AUTH_USER },
	{ "GET", "/", NULL },
	{ "GET", "/notes/state", NULL, .returns = &state_schema, .no_store = true,
	  .lenient = true },
	{ "POST", "/notes/{id}/tag", NULL, .params = only_body, .lenient = true,
	  .operation = "tag_it" },
	NP_ROUTES_END,
};

static struct json_object *
described(void *owner, const struct np_route *table)
{
	struct buf out;

	buf_init(&out, owner, 1 << 18);
	openapi_write("a \"title\"", "notes", table, &out);
	assert_false(out.overflow);
	return unit_json(owner, out.data);
}

static const struct at_row {
	const char *about;
	const char *pointer;
	const char *text; /* NULL: absent */
} at_rows[] = {
	{ "a nested object",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/user/type",
	  "object" },
	{ "a field in it",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/user/properties/email/format",
	  "email" },
	{ "the field is required",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/user/required/0",
	  "email" },
	{ "an object with a required field is required",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/required/0", "user" },
	{ "an object without one is not",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/required/1", NULL },
	{ "an object in an object",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/user/properties/address/properties/zip/pattern",
	  "^(?:[0-9]{5})$" },
	{ "no other field is allowed in it",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/user/additionalProperties",
	  "false" },
	{ "a list",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/tags/type",
	  "array" },
	{ "the items of the list",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/tags/items/maxLength",
	  "9" },
	{ "the maximum of items",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema"
	  "/properties/tags/maxItems",
	  "3" },
	{ "the example of a list",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/tags/example/0",
	  "a" },
	{ "choices",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/colour/enum/1",
	  "blue" },
	{ "choices of a nullable list",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/moods/items/enum/1",
	  "b" },
	{ "its items are not nullable",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/moods/items/enum/2",
	  NULL },
	{ "a date",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/born/format",
	  "date" },
	{ "a nullable date",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/born/type/1",
	  "null" },
	{ "a free object",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/quiz/properties/answers/type",
	  "object" },
	{ "a free object with any field",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/quiz/properties/answers/additionalProperties",
	  "true" },
	{ "the example of a free object",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/quiz/properties/answers/example/a",
	  "1" },
	{ "anything has no type",
	  "/paths/~1nested/post/requestBody/content/application~1json/schema/properties/more/type",
	  NULL },
	{ "a list in a query", "/paths/~1nested/post/parameters/0/schema/items/type", "integer" },
	{ "the URL of a new resource", "/paths/~1notes/post/responses/201/headers/Location/$ref",
	  "#/components/headers/Location" },
	{ "the mark of a replayed response",
	  "/paths/~1notes/post/responses/201/headers/Idempotency-Replayed/$ref",
	  "#/components/headers/Idempotency-Replayed" },
	{ "the next page", "/paths/~1notes/get/responses/200/headers/Link/$ref",
	  "#/components/headers/Link" },
	{ "no next page without a page", "/paths/~1/get/responses/200/headers/Link", NULL },
	{ "a tag", "/paths/~1/get/responses/200/headers/ETag/$ref", "#/components/headers/ETag" },
	{ "a tag of a 304", "/paths/~1/get/responses/304/headers/ETag/$ref",
	  "#/components/headers/ETag" },
	{ "no tag of a write", "/paths/~1notes/post/responses/201/headers/ETag", NULL },
	{ "no tag with .no_store", "/paths/~1notes~1state/get/responses/200/headers", NULL },
	{ "when to retry after a 503", "/paths/~1/get/responses/503/headers/Retry-After/$ref",
	  "#/components/headers/Retry-After" },
	{ "when to retry after a 429", "/paths/~1/get/responses/429/headers/Retry-After/$ref",
	  "#/components/headers/Retry-After" },
	{ "the schema of a header", "/components/headers/Retry-After/schema/type", "integer" },
	{ "a 503 with the response of .no_store",
	  "/paths/~1notes~1state/get/responses/503/content/application~1json/schema/$ref",
	  "#/components/schemas/State" },
	{ "an object in a response",
	  "/components/schemas/State/properties/parts/properties/disk/properties/free/type",
	  "integer" },
	{ "its members are required",
	  "/components/schemas/State/properties/parts/properties/disk/required",
	  "[ \"free\", \"full\" ]" },
	{ "an optional object is not required", "/components/schemas/State/required",
	  "[ \"status\" ]" },
	{ "a response may have other members", "/components/schemas/State/additionalProperties",
	  NULL },
	{ "a lenient body may have other fields",
	  "/paths/~1notes~1{id}~1tag/post/requestBody/content/application~1json/schema/additionalProperties",
	  NULL },
	{ "a lenient route without parameters has no 422",
	  "/paths/~1notes~1state/get/responses/422", NULL },
	{ "an .operation", "/paths/~1notes~1{id}~1tag/post/operationId", "tag_it" },
	{ "an example of a conflict",
	  "/paths/~1notes/post/responses/409/content/application~1problem+json/example/detail",
	  "taken" },
	{ "an example of an invalid value",
	  "/paths/~1notes~1{id}/put/responses/422/content/application~1problem+json/example/errors/0/message",
	  "must be a UUID" },
	{ "an example of another media type",
	  "/paths/~1notes/post/responses/415/content/application~1problem+json/example/detail",
	  "The body must be application/json" },
	{ "an example of a missing token",
	  "/paths/~1notes~1{id}/delete/responses/401/content/application~1problem+json/example/detail",
	  "An access token is required" },
	{ "an example of an internal error has no detail",
	  "/paths/~1/get/responses/500/content/application~1problem+json/example/detail", NULL },
	{ "it has a status",
	  "/paths/~1/get/responses/500/content/application~1problem+json/example/status", "500" },
	{ "version of OpenAPI", "/openapi", "3.1.0" },
	{ "title", "/info/title", "a \"title\"" },
	{ "version of the program", "/info/version", NP_VERSION },
	{ "summary", "/paths/~1notes/get/summary", "All \"notes\"" },
	{ "no summary", "/paths/~1notes/post/summary", NULL },
	{ "a second method of a path", "/paths/~1notes/post/responses/201/description", "Created" },
	{ "the root", "/paths/~1/get/responses/200/description", "OK" },
	{ "a deletion", "/paths/~1notes~1{id}/delete/responses/204/description", "No Content" },
	{ "a .success", "/paths/~1nested/post/responses/202/description", "Accepted" },
	{ "a page's items",
	  "/paths/~1notes/get/responses/200/content/application~1json/schema/properties/items/items/$ref",
	  "#/components/schemas/Note" },
	{ "a single item",
	  "/paths/~1notes/post/responses/201/content/application~1json/schema/$ref",
	  "#/components/schemas/Note" },
	{ "the schema of an item", "/components/schemas/Note/properties/at/format", "date-time" },
	{ "each member is required", "/components/schemas/Note/required/1", "at" },
	{ "an operationId", "/paths/~1notes~1{id}/put/operationId", "replaceNote" },
	{ "the tag of the program", "/paths/~1notes/get/tags/0", "notes" },
	{ "a key of a write", "/paths/~1notes/post/parameters/0/name", "Idempotency-Key" },
	{ "no .auth", "/paths/~1notes/post/security", "[ ]" },
	{ ".auth", "/paths/~1notes~1{id}/delete/security/0/bearer", "[ ]" },
	{ "the scheme of .auth", "/components/securitySchemes/bearer/scheme", "bearer" },
	{ "a form",
	  "/paths/~1nested/post/requestBody/content/application~1x-www-form-urlencoded/schema/type",
	  "object" },
	{ "a conflict in the route's words", "/paths/~1notes/post/responses/409/description",
	  "taken" },
	{ "a read has no conflict", "/paths/~1notes/get/responses/409", NULL },
	{ "no parameters", "/paths/~1/get/parameters", NULL },
	{ "no body", "/paths/~1notes/get/requestBody", NULL },

	{ "path parameter", "/paths/~1notes~1{id}/put/parameters/0/name", "id" },
	{ "the place of a path parameter", "/paths/~1notes~1{id}/put/parameters/0/in", "path" },
	{ "a path parameter is always required", "/paths/~1notes~1{id}/put/parameters/0/required",
	  "true" },
	{ "a description", "/paths/~1notes~1{id}/put/parameters/0/description", "which \"one\"" },
	{ "a type", "/paths/~1notes~1{id}/put/parameters/0/schema/type", "string" },
	{ "a format", "/paths/~1notes~1{id}/put/parameters/0/schema/format", "uuid" },
	{ "no bounds", "/paths/~1notes~1{id}/put/parameters/0/schema/minLength", NULL },
	{ "query parameter", "/paths/~1notes~1{id}/put/parameters/1/in", "query" },
	{ "an optional parameter", "/paths/~1notes~1{id}/put/parameters/1/required", "false" },
	{ "a minimum", "/paths/~1notes~1{id}/put/parameters/1/schema/minimum", "1" },
	{ "a maximum", "/paths/~1notes~1{id}/put/parameters/1/schema/maximum", "100" },
	{ "a default", "/paths/~1notes~1{id}/put/parameters/1/schema/default", "20" },
	{ "header parameter", "/paths/~1notes~1{id}/put/parameters/2/in", "header" },
	{ "required", "/paths/~1notes~1{id}/put/parameters/2/required", "true" },
	{ "fields are not parameters", "/paths/~1notes~1{id}/put/parameters/3", NULL },
	{ "cursor", "/paths/~1notes/get/parameters/0/schema/type", "string" },
	{ "number", "/paths/~1notes/get/parameters/1/schema/type", "number" },
	{ "email", "/paths/~1notes/get/parameters/2/schema/format", "email" },
};

static void
the_document_says_what_the_table_says(void **state)
{
	struct json_object *json = described(*state, routes);

	for (size_t i = 0; i < COUNT_OF(at_rows); i++)
		row_text(&at_rows[i], unit_at(json, at_rows[i].pointer), at_rows[i].text);
}

#define SCHEMA "/paths/~1notes~1{id}/put/requestBody/content/application~1json/schema"
static const struct at_row body_rows[] = {
	{ "required", "/paths/~1notes~1{id}/put/requestBody/required", "true" },
	{ "an object", SCHEMA "/type", "object" },
	{ "no other field is allowed", SCHEMA "/additionalProperties", "false" },
	{ "a required field", SCHEMA "/required/0", "name" },
	{ "no other required field", SCHEMA "/required/1", NULL },
	{ "a minimum length", SCHEMA "/properties/name/minLength", "1" },
	{ "a maximum length", SCHEMA "/properties/name/maxLength", "200" },
	{ "example", SCHEMA "/properties/name/example", "Ada" },
	{ "description", SCHEMA "/properties/name/description", "what to call it" },
	{ "nullable", SCHEMA "/properties/age/type", "[ \"integer\", \"null\" ]" },
	{ "an example of its type", SCHEMA "/properties/age/example", "36" },
	{ "a default of its type", SCHEMA "/properties/admin/default", "false" },
	{ "no path parameter in it", SCHEMA "/properties/id", NULL },
	{ "no field required",
	  "/paths/~1notes/post/requestBody/content/application~1json/schema/required", "[ ]" },
};

static void
the_body_is_described_as_it_is_checked(void **state)
{
	struct json_object *json = described(*state, routes);

	for (size_t i = 0; i < COUNT_OF(body_rows); i++)
		row_text(&body_rows[i], unit_at(json, body_rows[i].pointer), body_rows[i].text);
}

static void
a_default_has_the_type_of_its_parameter(void **state)
{
	struct json_object *json = described(*state, routes), *value;

	assert_int_equal(
	    json_pointer_get(json, "/paths/~1notes~1{id}/put/parameters/1/schema/default", &value),
	    0);
	assert_true(json_object_is_type(value, json_type_int));
	assert_int_equal(json_pointer_get(json, SCHEMA "/properties/admin/default", &value), 0);
	assert_true(json_object_is_type(value, json_type_boolean));
}

static void
each_path_occurs_once(void **state)
{
	struct json_object *json = described(*state, routes), *paths;

	assert_true(json_object_object_get_ex(json, "paths", &paths));
	assert_int_equal(json_object_object_length(paths), 6);
}

static void
errors_are_problem_documents(void **state)
{
	struct json_object *json = described(*state, routes);

	assert_string_equal(
	    unit_at(
	        json,
	        "/paths/~1notes/get/responses/503/content/application~1problem+json/schema/$ref"),
	    "#/components/schemas/Problem");
	assert_string_equal(unit_at(json, "/components/schemas/Problem/properties/status/type"),
	                    "integer");
}

static const struct name_row {
	const char *about;
	struct np_route route;
	const char *name;
} name_rows[] = {
	{ "a page", { "GET", "/users", NULL, .page = true }, "listUsers" },
	{ "not a page", { "GET", "/users", NULL }, "getUsers" },
	{ "one", { "GET", "/users/{id}", NULL }, "getUser" },
	{ "a creation", { "POST", "/users", NULL }, "createUser" },
	{ "a creation at a name", { "POST", "/users/{id}", NULL }, "createUserById" },
	{ "a change", { "PATCH", "/users/{id}", NULL }, "updateUser" },
	{ "a replacement", { "PUT", "/users/{id}", NULL }, "replaceUser" },
	{ "a deletion", { "DELETE", "/users/{id}", NULL }, "deleteUser" },
	{ "the root", { "GET", "/", NULL }, "getRoot" },
	{ "a page below an item",
	  { "GET", "/users/{id}/quiz-responses", NULL, .page = true },
	  "listUserQuizResponses" },
	{ "an item of a page below an item",
	  { "GET", "/users/{id}/quiz-responses/{response_id}", NULL },
	  "getUserQuizResponse" },
	{ "an action", { "POST", "/users/{id}/lock", NULL }, "createUserLock" },
	{ "no plural", { "GET", "/kept/{number}", NULL }, "getKeptByNumber" },
	{ "two names", { "GET", "/users/{org}/{id}", NULL }, "getUserById" },
	{ "y", { "GET", "/categories/{id}", NULL }, "getCategory" },
	{ "es", { "GET", "/addresses/{id}", NULL }, "getAddress" },
	{ "x", { "GET", "/boxes/{id}", NULL }, "getBox" },
	{ "a singular that ends in s", { "GET", "/status/{id}", NULL }, "getStatusById" },
	{ "underscores", { "GET", "/my_notes/{note_id}", NULL }, "getMyNote" },
	{ "an .operation", { "GET", "/users", NULL, .operation = "everybody" }, "everybody" },
};

static void
an_operation_has_a_readable_name(void **state)
{
	for (size_t i = 0; i < COUNT_OF(name_rows); i++) {
		struct buf name;

		buf_init(&name, *state, 200);
		operation_name(&name_rows[i].route, &name);
		row_text(&name_rows[i], name.data, name_rows[i].name);
	}
}

static void
a_table_without_rows_makes_a_valid_document(void **state)
{
	static const struct np_route none[] = { NP_ROUTES_END };

	assert_string_equal(unit_at(described(*state, none), "/paths"), "{ }");
}

static void
a_pattern_that_ecma_reads_differently_is_left_out(void **state)
{
	static const struct {
		const char *pattern, *wanted;
	} rows[] = {
		{ "[a-z]+(-[^0-9]{1,3}|\\.?)*", "^(?:[a-z]+(-[^0-9]{1,3}|\\.?)*)$" },
		{ "[[:alpha:]]+", NULL },
		{ "[a-z[:digit:]]", NULL },
		{ "[]a]", NULL },
		{ "[^]a]", NULL },
		{ "[a\\]", NULL },
		{ "a{,3}", NULL },
		{ "a+?", NULL },
		{ "a{2}{3}", NULL },
		{ "a]", NULL },
		{ "\\<a", NULL },
		{ "a\\-b", NULL },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct np_param param = { .type = NP_TYPE_STRING,
			                        .max = 9,
			                        .pattern = rows[i].pattern };
		struct buf out;
		const char *got;

		assert_null(pattern_compile(rows[i].pattern));
		buf_init(&out, *state, 4096);
		openapi_schema(&out, &param);
		got = unit_at(unit_json(*state, out.data), "/pattern");
		if (!got != !rows[i].wanted || (got && strcmp(got, rows[i].wanted) != 0))
			fail_msg("%s: %s", rows[i].pattern, got ? got : "nothing");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_document_says_what_the_table_says),
		TEST(the_body_is_described_as_it_is_checked),
		TEST(a_default_has_the_type_of_its_parameter),
		TEST(each_path_occurs_once),
		TEST(errors_are_problem_documents),
		TEST(a_table_without_rows_makes_a_valid_document),
		TEST(a_pattern_that_ecma_reads_differently_is_left_out),
		TEST(an_operation_has_a_readable_name),
	};

	return cmocka_run_group_tests_name("openapi", tests, NULL, NULL);
}
