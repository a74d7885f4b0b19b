#include "http/openapi.h"
#include "http/openapi_schema.h"
#include "http/operation_name.h"
#include "http/pattern.h"
#include "unit.h"

static const struct np_param id = {
	.name = "id", .in = NP_IN_PATH, .type = NP_TYPE_UUID, .description = "which \"one\""
};
static const struct np_param limit = { .name = "limit",
	                               .in = NP_IN_QUERY,
	                               .type = NP_TYPE_INT,
	                               .min = 1,
	                               .max = 100,
	                               .default_value = "20" };
static const struct np_param key = {
	.name = "x-key", .in = NP_IN_HEADER, .type = NP_TYPE_STRING, .required = true, .max = 8
};
static const struct np_param full_name = { .name = "name",
	                                   .in = NP_IN_BODY,
	                                   .type = NP_TYPE_STRING,
	                                   .required = true,
	                                   .min = 1,
	                                   .max = 200,
	                                   .example = "Ada",
	                                   .description = "what to call it" };
static const struct np_param age = {
	.name = "age", .in = NP_IN_BODY, .type = NP_TYPE_INT, .nullable = true, .example = "36"
};
static const struct np_param admin = {
	.name = "admin", .in = NP_IN_BODY, .type = NP_TYPE_BOOL, .default_value = "false"
};
#define PARAMS NP_PARAMS(&id, &limit, &key, &full_name, &age, &admin)

static const struct np_param after = { .name = "after", .in = NP_IN_QUERY, .type = NP_TYPE_CURSOR };
static const struct np_param share = { .name = "share", .in = NP_IN_QUERY, .type = NP_TYPE_FLOAT };
static const struct np_param email = { .name = "email", .in = NP_IN_QUERY, .type = NP_TYPE_EMAIL };

static const struct np_param optional_name = { .name = "name",
	                                       .in = NP_IN_BODY,
	                                       .type = NP_TYPE_STRING };

static const struct np_param user_email = {
	.name = "user.email", .in = NP_IN_BODY, .type = NP_TYPE_EMAIL, .required = true
};
static const struct np_param tags = { .name = "tags",
	                              .in = NP_IN_BODY,
	                              .type = NP_TYPE_STRING,
	                              .max = 9,
	                              .max_items = 3,
	                              .example = "[\"a\"]" };
static const struct np_param user_address_zip = { .name = "user.address.zip",
	                                          .in = NP_IN_BODY,
	                                          .type = NP_TYPE_STRING,
	                                          .max = 9,
	                                          .pattern = "[0-9]{5}" };
static const struct np_param colour = {
	.name = "colour", .in = NP_IN_BODY, .type = NP_TYPE_ENUM, .choices = NP_NAMES("red", "blue")
};
static const struct np_param moods = { .name = "moods",
	                               .in = NP_IN_BODY,
	                               .type = NP_TYPE_ENUM,
	                               .choices = NP_NAMES("a", "b"),
	                               .max_items = 2,
	                               .nullable = true };
static const struct np_param born = {
	.name = "born", .in = NP_IN_BODY, .type = NP_TYPE_DATE, .nullable = true
};
static const struct np_param quiz_answers = {
	.name = "quiz.answers", .in = NP_IN_BODY, .type = NP_TYPE_OBJECT, .example = "{\"a\": 1}"
};
static const struct np_param more = { .name = "more", .in = NP_IN_BODY, .type = NP_TYPE_JSON };
static const struct np_param code = {
	.name = "code", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .max_items = 2
};
#define NESTED                                                                                  \
	NP_PARAMS(&user_email, &tags, &user_address_zip, &colour, &moods, &born, &quiz_answers, \
	          &more, &code)

static const struct np_param note_id = { .name = "id", .type = NP_TYPE_UUID };
static const struct np_param note_at = { .name = "at", .type = NP_TYPE_DATETIME };
static const struct np_schema note = { .name = "Note", .members = NP_PARAMS(&note_id, &note_at) };

static const struct np_param status = { .name = "status", .type = NP_TYPE_STRING };
static const struct np_param parts_disk_free = { .name = "parts.disk.free",
	                                         .type = NP_TYPE_INT,
	                                         .optional = true };
static const struct np_param parts_disk_full = { .name = "parts.disk.full",
	                                         .type = NP_TYPE_BOOL,
	                                         .optional = true };
static const struct np_schema state_schema = {
	.name = "State", .members = NP_PARAMS(&status, &parts_disk_free, &parts_disk_full)
};

/* Of parameters: their places, bounds and defaults mean nothing in a response. */
static const struct np_schema shared_schema = { .name = "Shared",
	                                        .members = NP_PARAMS(&id, &limit, &full_name) };

static const struct np_route routes[] = {
	{ .method = "POST",
	  .path = "/nested",
	  .params = NESTED,
	  .form = true,
	  .success = NP_STATUS_ACCEPTED },
	{ .method = "GET",
	  .path = "/notes",
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&after, &share, &email),
	  .returns = &note,
	  .page = true,
	  .docs = { .summary = "All \"notes\"" } },
	{ .method = "PUT", .path = "/notes/{id}", .params = PARAMS, .auth = NP_AUTH_OPTIONAL },
	{ .method = "POST",
	  .path = "/notes",
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&optional_name),
	  .returns = &note,
	  .errors = { .conflict = "taken" } },
	{ .method = "DELETE", .path = "/notes/{id}", .tx = NP_TX_WRITE, .auth = NP_AUTH_USER },
	{ .method = "DELETE",
	  .path = "/notes",
	  .tx = NP_TX_WRITE,
	  .auth = NP_AUTH_USER,
	  .require = "admin" },
	{ .method = "GET",
	  .path = "/notes/of-key",
	  .tx = NP_TX_READ,
	  .auth = NP_AUTH_KEY,
	  .require = "notes:read" },
	{ .method = "GET", .path = "/" },
	{ .method = "GET",
	  .path = "/notes/state",
	  .returns = &state_schema,
	  .lenient = true,
	  .cache = { .no_store = true } },
	{ .method = "PATCH",
	  .path = "/notes/{id}",
	  .params = PARAMS,
	  .partial = true,
	  .returns = &shared_schema },
	{ .method = "POST",
	  .path = "/notes/{id}/tag",
	  .params = NP_PARAMS(&optional_name),
	  .lenient = true,
	  .docs = { .operation = "tag_it" } },
};

static const struct route_table table = { routes, COUNT_OF(routes) };

static struct json_object *
described(void *owner, const struct route_table *of)
{
	struct buf out;

	buf_init(&out, owner, 1 << 18);
	openapi_write(&(struct openapi_program){ "a \"title\"", "", "notes", of }, &out);
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
	{ "an optional .auth", "/paths/~1notes~1{id}/put/security/0", "{ }" },
	{ "the token of an optional .auth", "/paths/~1notes~1{id}/put/security/1/bearer", "[ ]" },
	{ "a scope", "/paths/~1notes/delete/security/1/password/0", "admin" },
	{ "a scope of the flow", "/components/securitySchemes/password/flows/password/scopes/admin",
	  "" },
	{ "a 403 that names the scope",
	  "/paths/~1notes/delete/responses/403/content/application~1problem+json/example/detail",
	  "The token does not grant the scope \"admin\"" },
	{ "a key", "/paths/~1notes~1of-key/get/security/0/key/0", "notes:read" },
	{ "no scope of a key in the flow",
	  "/components/securitySchemes/password/flows/password/scopes/notes:read", NULL },
	{ "the header of a key", "/components/securitySchemes/key/name", "X-API-Key" },
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
	struct json_object *json = described(*state, &table);

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

#define PARTIAL "/paths/~1notes~1{id}/patch/requestBody/content/application~1json/schema"
static const struct at_row partial_rows[] = {
	{ "no field is required", PARTIAL "/required", "[ ]" },
	{ "but one of them", PARTIAL "/minProperties", "1" },
	{ "a field that is required elsewhere", PARTIAL "/properties/name/minLength", "1" },
	{ "no default value", PARTIAL "/properties/admin/default", NULL },
	{ "a body that is not partial may be empty", SCHEMA "/minProperties", NULL },
	{ "a path parameter as a member", "/components/schemas/Shared/properties/id/format",
	  "uuid" },
	{ "a query parameter as a member", "/components/schemas/Shared/properties/limit/type",
	  "integer" },
	{ "its description", "/components/schemas/Shared/properties/id/description",
	  "which \"one\"" },
	{ "no default value of a member", "/components/schemas/Shared/properties/limit/default",
	  NULL },
	{ "no bounds of a member", "/components/schemas/Shared/properties/limit/maximum", NULL },
	{ "no length of a member", "/components/schemas/Shared/properties/name/maxLength", NULL },
	{ "all members are required", "/components/schemas/Shared/required",
	  "[ \"id\", \"limit\", \"name\" ]" },
};

static void
a_partial_body_and_a_response_say_less_of_the_same_parameters(void **state)
{
	struct json_object *json = described(*state, &table);

	for (size_t i = 0; i < COUNT_OF(partial_rows); i++)
		row_text(&partial_rows[i], unit_at(json, partial_rows[i].pointer),
		         partial_rows[i].text);
}

static void
the_body_is_described_as_it_is_checked(void **state)
{
	struct json_object *json = described(*state, &table);

	for (size_t i = 0; i < COUNT_OF(body_rows); i++)
		row_text(&body_rows[i], unit_at(json, body_rows[i].pointer), body_rows[i].text);
}

static void
a_default_has_the_type_of_its_parameter(void **state)
{
	struct json_object *json = described(*state, &table), *value;

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
	struct json_object *json = described(*state, &table), *paths;

	assert_true(json_object_object_get_ex(json, "paths", &paths));
	assert_int_equal(json_object_object_length(paths), 7);
}

static void
errors_are_problem_documents(void **state)
{
	struct json_object *json = described(*state, &table);

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
	{ "a page", { .method = "GET", .path = "/users", .page = true }, "listUsers" },
	{ "not a page", { .method = "GET", .path = "/users" }, "getUsers" },
	{ "one", { .method = "GET", .path = "/users/{id}" }, "getUser" },
	{ "a creation", { .method = "POST", .path = "/users" }, "createUser" },
	{ "a creation at a name", { .method = "POST", .path = "/users/{id}" }, "createUserById" },
	{ "a change", { .method = "PATCH", .path = "/users/{id}" }, "updateUser" },
	{ "a replacement", { .method = "PUT", .path = "/users/{id}" }, "replaceUser" },
	{ "a deletion", { .method = "DELETE", .path = "/users/{id}" }, "deleteUser" },
	{ "the root", { .method = "GET", .path = "/" }, "getRoot" },
	{ "a page below an item",
	  { .method = "GET", .path = "/users/{id}/quiz-responses", .page = true },
	  "listUserQuizResponses" },
	{ "an item of a page below an item",
	  { .method = "GET", .path = "/users/{id}/quiz-responses/{response_id}" },
	  "getUserQuizResponse" },
	{ "an action", { .method = "POST", .path = "/users/{id}/lock" }, "createUserLock" },
	{ "no plural", { .method = "GET", .path = "/kept/{number}" }, "getKeptByNumber" },
	{ "two names", { .method = "GET", .path = "/users/{org}/{id}" }, "getUserById" },
	{ "y", { .method = "GET", .path = "/categories/{id}" }, "getCategory" },
	{ "es", { .method = "GET", .path = "/addresses/{id}" }, "getAddress" },
	{ "x", { .method = "GET", .path = "/boxes/{id}" }, "getBox" },
	{ "a singular that ends in s",
	  { .method = "GET", .path = "/status/{id}" },
	  "getStatusById" },
	{ "underscores", { .method = "GET", .path = "/my_notes/{note_id}" }, "getMyNote" },
	{ "an .operation",
	  { .method = "GET", .path = "/users", .docs = { .operation = "everybody" } },
	  "everybody" },
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
	const struct route_table none = { NULL, 0 };

	assert_string_equal(unit_at(described(*state, &none), "/paths"), "{ }");
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
		TEST(a_partial_body_and_a_response_say_less_of_the_same_parameters),
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
