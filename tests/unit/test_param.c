#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/param.h"
#include "http/param_list.h"
#include "http/param_row.h"
#include "unit.h"

/* --- one value against one row --- */

static const struct check_row {
	const char *about;
	enum np_type type;
	int64_t min, max;
	const char *text;
	const char *message; /* NULL: valid */
} check_rows[] = {
	{ "string", NP_TYPE_STRING, 0, 0, "anything", NULL },
	{ "empty string", NP_TYPE_STRING, 0, 0, "", NULL },
	{ "shortest string", NP_TYPE_STRING, 2, 4, "ab", NULL },
	{ "longest string", NP_TYPE_STRING, 2, 4, "abcd", NULL },
	{ "string too short", NP_TYPE_STRING, 2, 4, "a", "must have 2 to 4 characters" },
	{ "string too long", NP_TYPE_STRING, 2, 4, "abcde", "must have 2 to 4 characters" },
	{ "characters, not bytes", NP_TYPE_STRING, 1, 2, "\xf0\x9f\x98\x80\xc3\xa9", NULL },
	{ "string not UTF-8", NP_TYPE_STRING, 0, 0, "\xff", "must be UTF-8" },

	{ "uuid", NP_TYPE_UUID, 0, 0, "018f4e4e-7f3a-7000-8000-0123456789ab", NULL },
	{ "uuid in capitals", NP_TYPE_UUID, 0, 0, "018F4E4E-7F3A-7000-8000-0123456789AB", NULL },
	{ "nil uuid", NP_TYPE_UUID, 0, 0, "00000000-0000-0000-0000-000000000000", NULL },
	{ "uuid without dashes", NP_TYPE_UUID, 0, 0, "018f4e4e7f3a700080000123456789ab",
	  "must be a UUID" },
	{ "uuid in braces", NP_TYPE_UUID, 0, 0, "{018f4e4e-7f3a-7000-8000-0123456789ab}",
	  "must be a UUID" },
	{ "uuid too short", NP_TYPE_UUID, 0, 0, "018f4e4e-7f3a-7000-8000-0123456789a",
	  "must be a UUID" },
	{ "uuid too long", NP_TYPE_UUID, 0, 0, "018f4e4e-7f3a-7000-8000-0123456789abc",
	  "must be a UUID" },
	{ "uuid with another letter", NP_TYPE_UUID, 0, 0, "018f4e4e-7f3a-7000-8000-0123456789ag",
	  "must be a UUID" },
	{ "uuid with a dash moved", NP_TYPE_UUID, 0, 0, "018f4e4-e7f3a-7000-8000-0123456789ab",
	  "must be a UUID" },
	{ "empty uuid", NP_TYPE_UUID, 0, 0, "", "must be a UUID" },

	{ "email", NP_TYPE_EMAIL, 0, 0, "ada@example.com", NULL },
	{ "email with a plus and dots", NP_TYPE_EMAIL, 0, 0, "a.b+c@mail.example.co.uk", NULL },
	{ "email with all of HTML's marks", NP_TYPE_EMAIL, 0, 0, ".!#$%&'*+/=?^_`{|}~-@h", NULL },
	{ "email with a local host", NP_TYPE_EMAIL, 0, 0, "root@localhost", NULL },
	{ "email with a dash in a label", NP_TYPE_EMAIL, 0, 0, "a@x-y.example", NULL },
	{ "email with the longest label", NP_TYPE_EMAIL, 0, 0,
	  "a@xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", NULL },
	{ "email with too long a label", NP_TYPE_EMAIL, 0, 0,
	  "a@xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	  "must be an email address" },
	{ "email with the longest name", NP_TYPE_EMAIL, 0, 0,
	  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx@h", NULL },
	{ "email with too long a name", NP_TYPE_EMAIL, 0, 0,
	  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx@h",
	  "must be an email address" },
	{ "email without @", NP_TYPE_EMAIL, 0, 0, "ada.example.com", "must be an email address" },
	{ "email with two @", NP_TYPE_EMAIL, 0, 0, "a@b@c", "must be an email address" },
	{ "email without a name", NP_TYPE_EMAIL, 0, 0, "@example.com", "must be an email address" },
	{ "email without a host", NP_TYPE_EMAIL, 0, 0, "ada@", "must be an email address" },
	{ "email with a dot at the end", NP_TYPE_EMAIL, 0, 0, "ada@example.",
	  "must be an email address" },
	{ "email with two dots", NP_TYPE_EMAIL, 0, 0, "ada@example..com",
	  "must be an email address" },
	{ "email with a dash at the end of a label", NP_TYPE_EMAIL, 0, 0, "a@x-.example",
	  "must be an email address" },
	{ "email with a dash first", NP_TYPE_EMAIL, 0, 0, "a@-x.example",
	  "must be an email address" },
	{ "email with a space", NP_TYPE_EMAIL, 0, 0, "a b@example.com",
	  "must be an email address" },
	{ "email with a line feed", NP_TYPE_EMAIL, 0, 0, "a@example.com\nBcc: x@y",
	  "must be an email address" },
	{ "email with a name before it", NP_TYPE_EMAIL, 0, 0, "Ada <a@example.com>",
	  "must be an email address" },
	{ "email with umlauts", NP_TYPE_EMAIL, 0, 0, "a@\xc3\xa9.example",
	  "must be an email address" },
	{ "empty email", NP_TYPE_EMAIL, 0, 0, "", "must be an email address" },

	{ "integer with leading zeros", NP_TYPE_INT, 0, 0, "-0042", NULL },
	{ "integer", NP_TYPE_INT, 0, 0, "-42", NULL },
	{ "largest integer", NP_TYPE_INT, 0, 0, "9223372036854775807", NULL },
	{ "integer too large", NP_TYPE_INT, 0, 0, "9223372036854775808", "must be a whole number" },
	{ "smallest in bounds", NP_TYPE_INT, 1, 100, "1", NULL },
	{ "largest in bounds", NP_TYPE_INT, 1, 100, "100", NULL },
	{ "below the bounds", NP_TYPE_INT, 1, 100, "0", "must be a whole number from 1 to 100" },
	{ "above the bounds", NP_TYPE_INT, 1, 100, "101", "must be a whole number from 1 to 100" },
	{ "bounds below zero", NP_TYPE_INT, -5, 0, "-5", NULL },
	{ "above bounds below zero", NP_TYPE_INT, -5, 0, "1",
	  "must be a whole number from -5 to 0" },
	{ "integer with a point", NP_TYPE_INT, 0, 0, "1.0", "must be a whole number" },
	{ "integer with an exponent", NP_TYPE_INT, 0, 0, "1e3", "must be a whole number" },
	{ "integer with a plus", NP_TYPE_INT, 0, 0, "+1", "must be a whole number" },
	{ "integer with a space", NP_TYPE_INT, 1, 9, " 1", "must be a whole number from 1 to 9" },
	{ "a letter for an integer", NP_TYPE_INT, 0, 0, "x", "must be a whole number" },
	{ "empty integer", NP_TYPE_INT, 0, 0, "", "must be a whole number" },

	{ "number", NP_TYPE_FLOAT, 0, 0, "-1.5e3", NULL },
	{ "whole number", NP_TYPE_FLOAT, 0, 0, "7", NULL },
	{ "number out of range", NP_TYPE_FLOAT, 0, 0, "1e400", "must be a number" },
	{ "NaN", NP_TYPE_FLOAT, 0, 0, "NaN", "must be a number" },
	{ "infinity", NP_TYPE_FLOAT, 0, 0, "inf", "must be a number" },
	{ "hexadecimal", NP_TYPE_FLOAT, 0, 0, "0x1p3", "must be a number" },
	{ "empty number", NP_TYPE_FLOAT, 0, 0, "", "must be a number" },

	{ "true", NP_TYPE_BOOL, 0, 0, "true", NULL },
	{ "false", NP_TYPE_BOOL, 0, 0, "false", NULL },
	{ "True", NP_TYPE_BOOL, 0, 0, "True", "must be true or false" },
	{ "1 for true", NP_TYPE_BOOL, 0, 0, "1", "must be true or false" },
	{ "empty for false", NP_TYPE_BOOL, 0, 0, "", "must be true or false" },

	{ "cursor", NP_TYPE_CURSOR, 0, 0, "H2EfYg", NULL },
	{ "forged cursor", NP_TYPE_CURSOR, 0, 0, "!!", "must be the \"next\" of a page" },
	{ "empty cursor", NP_TYPE_CURSOR, 0, 0, "", "must be the \"next\" of a page" },
};

static void
each_type_has_its_rule(void **state)
{
	for (size_t i = 0; i < COUNT_OF(check_rows); i++) {
		const struct check_row *row = &check_rows[i];
		const struct np_param param = {
			.name = "x", .type = row->type, .min = row->min, .max = row->max
		};
		struct argument argument = { .given = false };

		row_text(row, param_check(*state, &param, row->text, &argument), row->message);
	}
}

static void
a_checked_value_has_its_text_and_its_type(void **state)
{
	const struct np_param integer = { .name = "x", .type = NP_TYPE_INT },
	                      number = { .name = "x", .type = NP_TYPE_FLOAT },
	                      boolean = { .name = "x", .type = NP_TYPE_BOOL },
	                      cursor = { .name = "x", .type = NP_TYPE_CURSOR };
	struct argument argument = { .given = false };

	assert_null(param_check(*state, &integer, "-7", &argument));
	assert_string_equal(argument.value.text, "-7");
	assert_int_equal(argument.value.type, NP_TYPE_INT);
	assert_int_equal(argument.value.integer, -7);
	assert_null(param_check(*state, &integer, "-0042", &argument));
	assert_string_equal(argument.value.text, "-42");
	assert_null(param_check(*state, &integer, "-0", &argument));
	assert_string_equal(argument.value.text, "0");
	assert_null(param_check(*state, &number, "2.5", &argument));
	assert_true(argument.value.number > 2.4 && argument.value.number < 2.6);
	assert_null(param_check(*state, &boolean, "true", &argument));
	assert_true(argument.value.boolean);
	assert_null(param_check(*state, &boolean, "false", &argument));
	assert_false(argument.value.boolean);
	assert_null(param_check(*state, &cursor, "H2EfYg", &argument));
	assert_string_equal(argument.cursor[0], "a");
	assert_string_equal(argument.cursor[1], "b");
	assert_null(argument.cursor[2]);
}

/* No table has such rows: they are refused when the program starts. */
static void
an_invalid_row_accepts_nothing(void **state)
{
	const struct np_param pattern = { .name = "x", .type = NP_TYPE_STRING, .pattern = "(" },
	                      type = { .name = "x", .type = (enum np_type)TYPE_COUNT };
	struct argument argument;

	assert_string_equal(param_check(*state, &pattern, "a", &argument), "must match (");
	assert_string_equal(param_check(*state, &type, "a", &argument), "has no type");
}

static void
a_list_is_bounded_in_bytes(void **state)
{
	const struct np_param param = { .name = "x", .type = NP_TYPE_STRING, .max_items = 9 };
	struct argument argument = { .given = false };
	char *half = mem_array(*state, char, REQUEST_BODY_LIMIT_BYTES + 1);

	memset(half, 'x', REQUEST_BODY_LIMIT_BYTES);
	assert_null(param_list_add(*state, &param, half, &argument));
	assert_string_equal(param_list_add(*state, &param, half, &argument), "is too long");
}

static void
an_email_has_at_most_254_bytes(void **state)
{
	const struct np_param param = { .name = "x", .type = NP_TYPE_EMAIL };
	struct argument argument;
	struct buf text;

	buf_init(&text, *state, 400);
	buf_text(&text, "a@");
	for (int i = 0; i < 62; i++)
		buf_text(&text, "abc.");
	buf_text(&text, "abcd"); /* 254 */
	assert_null(param_check(*state, &param, text.data, &argument));
	buf_char(&text, 'e');
	assert_non_null(param_check(*state, &param, text.data, &argument));
}

/* --- a whole request --- */

static const struct np_param id = {
	.name = "id", .in = NP_IN_PATH, .type = NP_TYPE_INT, .min = 1, .max = 1000
};
static const struct np_param limit = { .name = "limit",
	                               .in = NP_IN_QUERY,
	                               .type = NP_TYPE_INT,
	                               .min = 1,
	                               .max = 100,
	                               .default_value = "20" };
static const struct np_param full_name = { .name = "name",
	                                   .in = NP_IN_BODY,
	                                   .type = NP_TYPE_STRING,
	                                   .required = true,
	                                   .min = 1,
	                                   .max = 5 };
static const struct np_param key = {
	.name = "x-key", .in = NP_IN_HEADER, .type = NP_TYPE_STRING, .min = 1, .max = 5
};
static const struct np_param age = { .name = "age", .in = NP_IN_BODY, .type = NP_TYPE_INT };
static const struct np_param score = { .name = "score", .in = NP_IN_BODY, .type = NP_TYPE_FLOAT };
static const struct np_param admin = { .name = "admin", .in = NP_IN_BODY, .type = NP_TYPE_BOOL };
static const struct np_param bio = {
	.name = "bio", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .nullable = true, .max = 10
};
/* In the order of PARAMS. */
enum { ID, LIMIT, NAME, KEY, AGE, SCORE, ADMIN, BIO };
#define PARAMS NP_PARAMS(&id, &limit, &full_name, &key, &age, &score, &admin, &bio)
static const struct np_route route = { .method = "PUT", .path = "/users/{id}", .params = PARAMS };

static const struct request_header json_header = { "content-type", "application/json" };

struct decoded {
	bool valid;
	struct argument *arguments;
	struct param_faults faults;
	struct error err;
};

static struct decoded
decode(void *owner, const struct np_route *by, const char *text,
       const struct request_header *headers, size_t header_count, const char *body)
{
	const struct request request = {
		.method = by->method,
		.target = text,
		.id = "id",
		.headers = headers,
		.header_count = header_count,
		.body = body,
		.body_size = strlen(body),
	};
	struct decoded decoded = { .valid = false };
	struct target target;

	assert_true(target_parse(owner, text, &target, &decoded.err));
	decoded.valid = param_decode(owner, by, &request, &target, &decoded.arguments,
	                             &decoded.faults, &decoded.err);
	return decoded;
}

static struct decoded
decode_json(void *owner, const char *target, const char *body)
{
	return decode(owner, &route, target, &json_header, 1, body);
}

static bool
has_fault(const struct decoded *decoded, const char *in, const char *name, const char *message)
{
	for (size_t i = 0; i < decoded->faults.count; i++) {
		const struct np_fault *fault = &decoded->faults.items[i];

		if (strcmp(fault->in, in) == 0 && strcmp(fault->name, name) == 0
		    && strstr(fault->message, message))
			return true;
	}
	return false;
}

static void
values_come_from_all_four_places(void **state)
{
	static const struct request_header headers[] = {
		{ "content-type", "application/json; charset=utf-8" }, { "x-key", "k" }
	};
	struct decoded decoded = decode(
	    *state, &route, "/users/7?limit=3", headers, 2,
	    "{\"bio\":\"b\",\"name\":\"n\",\"age\":1,\"score\":2,\"admin\":true}");

	assert_true(decoded.valid);
	assert_int_equal(decoded.arguments[ID].value.integer, 7);
	assert_int_equal(decoded.arguments[LIMIT].value.integer, 3);
	assert_string_equal(decoded.arguments[NAME].value.text, "n");
	assert_string_equal(decoded.arguments[KEY].value.text, "k");
	assert_int_equal(decoded.arguments[AGE].value.integer, 1);
	assert_true(decoded.arguments[SCORE].value.number > 1.9);
	assert_true(decoded.arguments[ADMIN].value.boolean);
	assert_string_equal(decoded.arguments[BIO].value.text, "b");
	for (int i = ID; i <= BIO; i++)
		assert_true(decoded.arguments[i].given);
}

static void
an_absent_argument_is_the_default_value_or_null(void **state)
{
	struct decoded decoded = decode_json(*state, "/users/7", "{\"name\":\"n\"}");

	assert_true(decoded.valid);
	assert_int_equal(decoded.arguments[LIMIT].value.integer, 20);
	assert_string_equal(decoded.arguments[LIMIT].value.text, "20");
	assert_false(decoded.arguments[LIMIT].given);
	assert_true(np_is_null(decoded.arguments[AGE].value));
	assert_null(decoded.arguments[AGE].value.text);
	assert_int_equal(decoded.arguments[AGE].value.type, NP_TYPE_INT);
	assert_null(decoded.arguments[KEY].value.text);
	assert_false(decoded.arguments[KEY].given);
}

static void
null_counts_as_given_if_it_is_allowed(void **state)
{
	struct decoded decoded = decode_json(*state, "/users/7", "{\"name\":\"n\",\"bio\":null}");

	assert_true(decoded.valid);
	assert_true(decoded.arguments[BIO].given);
	assert_true(np_is_null(decoded.arguments[BIO].value));
	assert_null(decoded.arguments[BIO].value.text);
}

static void
minus_zero_is_a_whole_number(void **state)
{
	struct decoded decoded = decode_json(*state, "/users/7", "{\"name\":\"n\",\"age\":-0}");

	assert_true(decoded.valid);
	assert_int_equal(decoded.arguments[AGE].value.integer, 0);
}

/* JSON Schema: an integer is a number with a fraction of zero. */
static void
a_number_without_a_fraction_is_a_whole_one(void **state)
{
	static const struct {
		const char *about, *sent, *text;
	} rows[] = {
		{ "a point", "1.0", "1" },          { "an exponent", "1e2", "100" },
		{ "both", "1.50e+2", "150" },       { "an exponent below 0", "1200e-2", "12" },
		{ "minus 0", "-0.0", "0" },         { "below 0", "-3.0", "-3" },
		{ "the smallest", "1.0e0", "1" },   { "0 with an exponent", "0e9999", "0" },
		{ "the largest", "9999e-1", NULL }, { "a fraction below 1", "5e-1", NULL },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct decoded decoded = decode_json(
		    *state, "/users/7",
		    mem_printf(*state, "{\"name\":\"n\",\"age\":%s}", rows[i].sent));

		row_int(&rows[i], decoded.valid, rows[i].text != NULL);
		if (rows[i].text)
			row_true(&rows[i],
			         strcmp(decoded.arguments[AGE].value.text, rows[i].text) == 0);
	}
}

static const struct fault_row {
	const char *about;
	const char *target, *body;
	const char *in, *name, *message;
} fault_rows[] = {
	{ "path out of bounds", "/users/0", "{\"name\":\"n\"}", "path", "id", "from 1 to 1000" },
	{ "path of another type", "/users/x", "{\"name\":\"n\"}", "path", "id", "whole number" },
	{ "query out of bounds", "/users/1?limit=101", "{\"name\":\"n\"}", "query", "limit",
	  "from 1 to 100" },
	{ "empty query value", "/users/1?limit=", "{\"name\":\"n\"}", "query", "limit",
	  "whole number" },
	{ "query name twice", "/users/1?limit=1&limit=1", "{\"name\":\"n\"}", "query", "limit",
	  "twice" },
	{ "query name twice, one escaped", "/users/1?limit=1&%6Cimit=1", "{\"name\":\"n\"}",
	  "query", "limit", "twice" },
	{ "unknown query name", "/users/1?offset=1", "{\"name\":\"n\"}", "query", "offset",
	  "not a parameter" },
	{ "query name of another case", "/users/1?Limit=1", "{\"name\":\"n\"}", "query", "Limit",
	  "not a parameter" },
	{ "a field in the query", "/users/1?age=1", "{\"name\":\"n\"}", "query", "age",
	  "not a parameter" },
	{ "required and absent", "/users/1", "{}", "body", "name", "is required" },
	{ "required and null", "/users/1", "{\"name\":null}", "body", "name", "must be a string" },
	{ "too long", "/users/1", "{\"name\":\"123456\"}", "body", "name", "1 to 5 characters" },
	{ "unknown field", "/users/1", "{\"name\":\"n\",\"role\":1}", "body", "role",
	  "not a field" },
	{ "a path parameter in the body", "/users/1", "{\"name\":\"n\",\"id\":2}", "body", "id",
	  "not a field" },
	{ "null where it is not allowed", "/users/1", "{\"name\":\"n\",\"age\":null}", "body",
	  "age", "whole number" },
	{ "number for a string", "/users/1", "{\"name\":1}", "body", "name", "must be a string" },
	{ "true for a string", "/users/1", "{\"name\":true}", "body", "name", "must be a string" },
	{ "array for a string", "/users/1", "{\"name\":[\"n\"]}", "body", "name",
	  "must be a string" },
	{ "object for a string", "/users/1", "{\"name\":{}}", "body", "name", "must be a string" },
	{ "string for an integer", "/users/1", "{\"name\":\"n\",\"age\":\"1\"}", "body", "age",
	  "must be a whole number" },
	{ "fraction for an integer", "/users/1", "{\"name\":\"n\",\"age\":1.5}", "body", "age",
	  "must be a whole number" },
	{ "more than 64 bits for an integer", "/users/1", "{\"name\":\"n\",\"age\":1e19}", "body",
	  "age", "must be a whole number" },
	{ "1.0 for an integer of the query", "/users/1?limit=1.0", "{\"name\":\"n\"}", "query",
	  "limit", "must be a whole number" },
	{ "string for a number", "/users/1", "{\"name\":\"n\",\"score\":\"1\"}", "body", "score",
	  "must be a number" },
	{ "string for a bool", "/users/1", "{\"name\":\"n\",\"admin\":\"true\"}", "body", "admin",
	  "must be true or false" },
	{ "number for a bool", "/users/1", "{\"name\":\"n\",\"admin\":1}", "body", "admin",
	  "must be true or false" },
};

static void
a_fault_names_its_place_parameter_and_rule(void **state)
{
	for (size_t i = 0; i < COUNT_OF(fault_rows); i++) {
		const struct fault_row *row = &fault_rows[i];
		struct decoded decoded = decode_json(*state, row->target, row->body);

		row_true(row, !decoded.valid);
		row_int(row, decoded.err.kind, FAILURE_INVALID);
		row_int(row, decoded.faults.count, 1);
		row_true(row, has_fault(&decoded, row->in, row->name, row->message));
	}
}

static void
every_fault_is_found_at_once(void **state)
{
	static const struct request_header headers[] = { { "content-type", "application/json" },
		                                         { "x-key", "too long" } };
	struct decoded decoded = decode(*state, &route, "/users/0?limit=x&a=1&b=2", headers, 2,
	                                "{\"age\":\"1\",\"role\":1,\"bio\":\"more than ten\"}");

	assert_false(decoded.valid);
	assert_int_equal(decoded.err.kind, FAILURE_INVALID);
	assert_true(has_fault(&decoded, "path", "id", ""));
	assert_true(has_fault(&decoded, "header", "x-key", ""));
	assert_true(has_fault(&decoded, "query", "limit", ""));
	assert_true(has_fault(&decoded, "query", "a", ""));
	assert_true(has_fault(&decoded, "query", "b", ""));
	assert_true(has_fault(&decoded, "body", "age", ""));
	assert_true(has_fault(&decoded, "body", "role", ""));
	assert_true(has_fault(&decoded, "body", "bio", ""));
	assert_true(has_fault(&decoded, "body", "name", "required"));
	assert_int_equal(decoded.faults.count, 9);
}

static void
faults_beyond_the_maximum_are_dropped(void **state)
{
	struct decoded decoded;
	struct buf text;

	buf_init(&text, *state, 4096);
	buf_text(&text, "/users/1?");
	for (int i = 0; i < PARAM_FAULTS_MAX + 10; i++)
		buf_printf(&text, "x%d=1&", i);
	decoded = decode_json(*state, text.data, "{\"name\":\"n\"}");
	assert_false(decoded.valid);
	assert_int_equal(decoded.faults.count, PARAM_FAULTS_MAX);
}

static void
decoding_a_body_stops_at_the_maximum_of_faults(void **state)
{
	struct decoded decoded;
	struct buf text;

	buf_init(&text, *state, 65536);
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "%c\"x%d\":{}", i ? ',' : '{', i);
	buf_char(&text, '}');
	decoded = decode_json(*state, "/users/1", text.data);
	assert_int_equal(decoded.err.kind, FAILURE_INVALID);
	assert_int_equal(decoded.faults.count, PARAM_FAULTS_MAX);
}

/* A client does not get back a megabyte that it sent, nor half of a character. */
static void
a_long_unknown_name_is_cut(void **state)
{
	struct decoded decoded;
	struct buf text;
	const char *name;

	buf_init(&text, *state, 1 << 20);
	buf_text(&text, "{\"name\":\"n\",\"x");
	for (int i = 0; i < 1000; i++)
		buf_text(&text, "\xc3\xa9");
	buf_text(&text, "\":1}");
	decoded = decode_json(*state, "/users/1", text.data);
	assert_int_equal(decoded.faults.count, 1);
	name = decoded.faults.items[0].name;
	assert_int_equal(strlen(name), 127 + 3);
	assert_true(utf8_valid(name, strlen(name), NULL) && text_ends(name, "\xe2\x80\xa6"));
}

/* --- a partial body --- */

static const struct np_param done = {
	.name = "done", .in = NP_IN_BODY, .type = NP_TYPE_BOOL, .default_value = "false"
};
static const struct np_route change = { .method = "PATCH",
	                                .path = "/users/{id}",
	                                .params = NP_PARAMS(&id, &limit, &full_name, &bio, &done),
	                                .partial = true };
enum { CHANGE_LIMIT = 1, CHANGE_NAME, CHANGE_BIO, CHANGE_DONE };

static struct decoded
decode_change(void *owner, const char *body)
{
	return decode(owner, &change, "/users/7", &json_header, 1, body);
}

static void
a_partial_body_may_lack_what_is_required(void **state)
{
	struct decoded decoded = decode_change(*state, "{\"bio\":null}");

	assert_true(decoded.valid);
	assert_true(decoded.arguments[CHANGE_BIO].given);
	assert_false(decoded.arguments[CHANGE_NAME].given);
	assert_null(decoded.arguments[CHANGE_NAME].value.text);
	assert_null(decoded.arguments[CHANGE_DONE].value.text);
	assert_int_equal(decoded.arguments[CHANGE_DONE].value.type, NP_TYPE_BOOL);
	assert_string_equal(decoded.arguments[CHANGE_LIMIT].value.text, "20");
}

static void
a_partial_body_has_something_in_it(void **state)
{
	struct decoded decoded = decode_change(*state, "{}");

	assert_false(decoded.valid);
	assert_int_equal(decoded.err.kind, FAILURE_INVALID);
	assert_string_equal(decoded.err.message, "Nothing to change: send one of name, bio, done");
	assert_int_equal(decoded.faults.count, 0);
	decoded = decode_change(*state, "{\"nmae\":\"n\"}");
	assert_true(has_fault(&decoded, "body", "nmae", "not a field"));
}

/* --- the body as a whole --- */

static const struct type_row {
	const char *about;
	const char *type; /* NULL: no header */
	bool valid;
} type_rows[] = {
	{ "plain", "application/json", true },
	{ "with a parameter", "application/json;charset=utf-8", true },
	{ "with a space and a parameter", "application/json ; charset=utf-8", true },
	{ "any case", "Application/JSON", true },
	{ "absent", NULL, false },
	{ "empty", "", false },
	{ "a form", "application/x-www-form-urlencoded", false },
	{ "text", "text/plain", false },
	{ "more than json", "application/jsonx", false },
	{ "less than json", "application/jso", false },
	{ "two types", "application/json,text/plain", false },
	{ "json as a parameter", "text/plain; application/json", false },
};

static void
a_body_must_have_the_media_type_of_json(void **state)
{
	for (size_t i = 0; i < COUNT_OF(type_rows); i++) {
		const struct type_row *row = &type_rows[i];
		const struct request_header header = { "content-type", row->type };
		struct decoded decoded = decode(*state, &route, "/users/1", &header,
		                                row->type != NULL, "{\"name\":\"n\"}");

		row_int(row, decoded.valid, row->valid);
		if (!row->valid)
			row_int(row, decoded.err.kind, FAILURE_MEDIA_TYPE);
	}
}

static void
an_encoded_body_is_refused(void **state)
{
	static const struct {
		const char *about, *coding;
		bool valid;
	} rows[] = {
		{ "identity", "identity", true },
		{ "identity in any case", "IDENTITY", true },
		{ "empty", "", true },
		{ "only commas", " ,\t,", true },
		{ "identity twice", "identity , identity", true },
		{ "gzip", "gzip", false },
		{ "gzip after identity", "identity,gzip", false },
		{ "a longer word", "identity2", false },
		{ "a shorter word", "ident", false },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct request_header headers[] = { json_header,
			                                  { "content-encoding", rows[i].coding } };
		struct decoded decoded = decode(*state, &route, "/users/1", headers, 2,
		                                "{\"name\":\"n\"}");

		row_int(&rows[i], decoded.valid, rows[i].valid);
		if (!rows[i].valid)
			row_int(&rows[i], decoded.err.kind, FAILURE_MEDIA_TYPE);
	}
}

static void
a_body_that_is_not_json_is_malformed(void **state)
{
	assert_int_equal(decode_json(*state, "/users/1", "{\"name\":\"n\"").err.kind,
	                 FAILURE_MALFORMED);
	assert_int_equal(decode_json(*state, "/users/1", "").err.kind, FAILURE_MALFORMED);
	assert_int_equal(
	    decode_json(*state, "/users/1", "{\"name\":\"n\",\"name\":\"n\"}").err.kind,
	    FAILURE_MALFORMED);
}

static void
a_body_that_is_not_an_object_is_invalid(void **state)
{
	struct decoded decoded = decode_json(*state, "/users/1", "[]");

	assert_false(decoded.valid);
	assert_int_equal(decoded.err.kind, FAILURE_INVALID);
}

static void
a_route_without_fields_reads_no_body(void **state)
{
	static const struct np_route bare = { .method = "POST", .path = "/jobs" };
	struct decoded decoded = decode(*state, &bare, "/jobs", NULL, 0, "not JSON");

	assert_true(decoded.valid);
	assert_int_equal(decoded.faults.count, 0);
}

/* In the query, a form, a body, and an object in it. Known names are still checked. */
static void
a_lenient_route_ignores_unknown_names(void **state)
{
	static const struct np_param page = { .name = "page",
		                              .in = NP_IN_QUERY,
		                              .type = NP_TYPE_INT };
	static const struct np_param some_email = { .name = "user.email",
		                                    .in = NP_IN_BODY,
		                                    .type = NP_TYPE_EMAIL };
	static const struct np_param grant = { .name = "grant",
		                               .in = NP_IN_BODY,
		                               .type = NP_TYPE_STRING };
	const struct np_route json = { .method = "POST",
		                       .path = "/jobs",
		                       .params = NP_PARAMS(&page, &some_email),
		                       .lenient = true };
	const struct np_route form = { .method = "POST",
		                       .path = "/jobs",
		                       .params = NP_PARAMS(&grant),
		                       .form = true,
		                       .lenient = true };
	const struct request_header form_header = { "content-type",
		                                    "application/x-www-form-urlencoded" };
	struct decoded decoded;

	decoded = decode(*state, &json, "/jobs?ts=1&page=2", &json_header, 1,
	                 "{\"x\":{\"y\":[1]},\"a.b\":1,\"user\":{\"email\":\"a@b.c\",\"z\":null}}");
	assert_true(decoded.valid);
	assert_string_equal(decoded.arguments[0].value.text, "2");
	assert_string_equal(decoded.arguments[1].value.text, "a@b.c");
	decoded = decode(*state, &json, "/jobs?page=x&ts=1", &json_header, 1, "{\"user\":1}");
	assert_true(has_fault(&decoded, "query", "page", "whole number"));
	assert_true(has_fault(&decoded, "body", "user", "must be an object"));
	assert_int_equal(decoded.faults.count, 2);
	decoded = decode(*state, &form, "/jobs", &form_header, 1, "other=1&grant=x&other=2");
	assert_true(decoded.valid);
	assert_string_equal(decoded.arguments[0].value.text, "x");
}

static void
a_route_without_parameters_takes_no_query(void **state)
{
	static const struct np_route bare = { .method = "GET", .path = "/jobs" };
	struct decoded decoded = decode(*state, &bare, "/jobs?x=1", NULL, 0, "");

	assert_false(decoded.valid);
	assert_true(has_fault(&decoded, "query", "x", "not a parameter"));
}

static void
a_header_can_be_required(void **state)
{
	static const struct np_param idempotency_key = { .name = "idempotency-key",
		                                         .in = NP_IN_HEADER,
		                                         .type = NP_TYPE_UUID,
		                                         .required = true };
	const struct np_route keyed = { .method = "POST",
		                        .path = "/jobs",
		                        .params = NP_PARAMS(&idempotency_key) };
	const struct request_header header = { "idempotency-key",
		                               "018f4e4e-7f3a-7000-8000-0123456789ab" };
	struct decoded decoded = decode(*state, &keyed, "/jobs", NULL, 0, "");

	assert_true(has_fault(&decoded, "header", "idempotency-key", "is required"));
	decoded = decode(*state, &keyed, "/jobs", &header, 1, "");
	assert_true(decoded.valid);
	assert_string_equal(decoded.arguments[0].value.text, header.value);
}

static void
places_have_names(void **state)
{
	(void)state;
	assert_string_equal(param_places[NP_IN_PATH], "path");
	assert_string_equal(param_places[NP_IN_QUERY], "query");
	assert_string_equal(param_places[NP_IN_HEADER], "header");
	assert_string_equal(param_places[NP_IN_BODY], "body");
}

/* --- types of a body --- */

static const struct np_param email = {
	.name = "user.email", .in = NP_IN_BODY, .type = NP_TYPE_EMAIL, .required = true
};
static const struct np_param city = {
	.name = "user.address.city", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .max = 10
};
static const struct np_param zip = { .name = "user.address.zip",
	                             .in = NP_IN_BODY,
	                             .type = NP_TYPE_STRING,
	                             .max = 9,
	                             .pattern = "[0-9]{5}" };
static const struct np_param tags = {
	.name = "tags", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .min = 1, .max = 9, .max_items = 3
};
static const struct np_param colour = {
	.name = "colour", .in = NP_IN_BODY, .type = NP_TYPE_ENUM, .choices = NP_NAMES("red", "blue")
};
static const struct np_param born = { .name = "born", .in = NP_IN_BODY, .type = NP_TYPE_DATE };
static const struct np_param seen = { .name = "seen", .in = NP_IN_BODY, .type = NP_TYPE_DATETIME };
static const struct np_param code = {
	.name = "code", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .min = 1, .max = 9, .max_items = 2
};
static const struct np_param anything = { .name = "anything",
	                                  .in = NP_IN_BODY,
	                                  .type = NP_TYPE_JSON };
static const struct np_param answers = {
	.name = "quiz.answers", .in = NP_IN_BODY, .type = NP_TYPE_OBJECT, .nullable = true
};
static const struct np_param ids = {
	.name = "ids", .in = NP_IN_BODY, .type = NP_TYPE_UUID, .max_items = 5, .nullable = true
};
static const struct np_param years = {
	.name = "years", .in = NP_IN_BODY, .type = NP_TYPE_INT, .max_items = 5
};
/* In the order of RICH. */
enum { EMAIL, CITY, ZIP, TAGS, COLOUR, BORN, SEEN, CODE, ANYTHING, ANSWERS, IDS, YEARS };
#define RICH                                                                                     \
	NP_PARAMS(&email, &city, &zip, &tags, &colour, &born, &seen, &code, &anything, &answers, \
	          &ids, &years)
static const struct np_route rich_route = { .method = "POST", .path = "/rich", .params = RICH };

#define ADA "\"user\":{\"email\":\"a@b.c\"}"

static struct decoded
decode_rich(void *owner, const char *target, const char *body)
{
	return decode(owner, &rich_route, target, &json_header, 1, body);
}

static void
values_come_from_objects_in_the_body(void **state)
{
	struct decoded decoded = decode_rich(
	    *state, "/rich",
	    "{\"user\":{\"address\":{\"zip\":\"12345\",\"city\":\"Ulm\"},\"email\":\"a@b.c\"},\"colour\":\"blue\","
	    "\"born\":\"1815-12-10\",\"seen\":\"2026-01-31T00:00:00Z\",\"quiz\":{\"answers\":{\"1\":[true,null]}}}");

	assert_true(decoded.valid);
	assert_string_equal(decoded.arguments[EMAIL].value.text, "a@b.c");
	assert_string_equal(decoded.arguments[CITY].value.text, "Ulm");
	assert_string_equal(decoded.arguments[ZIP].value.text, "12345");
	assert_string_equal(decoded.arguments[COLOUR].value.text, "blue");
	assert_string_equal(decoded.arguments[BORN].value.text, "1815-12-10");
	assert_string_equal(decoded.arguments[ANSWERS].value.text, "{\"1\":[true,null]}");
	assert_true(np_is_null(decoded.arguments[TAGS].value));
	assert_true(decoded.arguments[TAGS].value.is_list);
}

static const struct rich_row {
	const char *about;
	const char *body;
	const char *name, *message;
} rich_rows[] = {
	{ "an object that is missing", "{}", "user.email", "is required" },
	{ "a number for an object", "{\"user\":3}", "user", "must be an object" },
	{ "a null for an object", "{\"user\":null}", "user", "must be an object" },
	{ "a list for an object", "{\"user\":[]}", "user", "must be an object" },
	{ "an unknown field in an object", "{\"user\":{\"email\":\"a@b.c\",\"admin\":true}}",
	  "user.admin", "is not a field" },
	{ "a name with a dot in it", "{" ADA ",\"user.address.city\":\"x\"}", "user.address.city",
	  "is not a field" },
	{ "a value for an inner object", "{\"user\":{\"email\":\"a@b.c\",\"address\":\"x\"}}",
	  "user.address", "must be an object" },
	{ "a rule of an inner field",
	  "{\"user\":{\"email\":\"a@b.c\",\"address\":{\"zip\":\"1234x\"}}}", "user.address.zip",
	  "must match [0-9]{5}" },
	{ "a pattern that matches a part",
	  "{\"user\":{\"email\":\"a@b.c\",\"address\":{\"zip\":\"123456\"}}}", "user.address.zip",
	  "must match" },
	{ "an unknown choice", "{" ADA ",\"colour\":\"green\"}", "colour",
	  "must be one of: red, blue" },
	{ "not a date", "{" ADA ",\"born\":\"2026-02-30\"}", "born", "must be a date" },
	{ "not a time", "{" ADA ",\"seen\":\"2026-01-31\"}", "seen", "must be a date and time" },
	{ "not a list", "{" ADA ",\"tags\":\"x\"}", "tags", "must be an array" },
	{ "an item of another type", "{" ADA ",\"tags\":[\"x\",1]}", "tags",
	  "each item must be a string" },
	{ "a null as an item", "{" ADA ",\"tags\":[null]}", "tags", "each item must be a string" },
	{ "an item that breaks a rule", "{" ADA ",\"tags\":[\"\"]}", "tags",
	  "each item must have 1 to 9" },
	{ "a list that is too long", "{" ADA ",\"tags\":[\"a\",\"b\",\"c\",\"d\"]}", "tags",
	  "at most 3 values" },
	{ "an array for a free object", "{" ADA ",\"quiz\":{\"answers\":[1]}}", "quiz.answers",
	  "must be an object" },
};

static void
each_fault_in_a_body_is_named_with_its_path(void **state)
{
	for (size_t i = 0; i < COUNT_OF(rich_rows); i++) {
		const struct rich_row *row = &rich_rows[i];
		struct decoded decoded = decode_rich(*state, "/rich", row->body);

		row_true(row, !decoded.valid && decoded.err.kind == FAILURE_INVALID);
		row_true(row, has_fault(&decoded, "body", row->name, row->message));
	}
}

static void
a_list_is_a_postgres_array(void **state)
{
	struct decoded decoded = decode_rich(
	    *state, "/rich?code=7&code=9",
	    "{" ADA ",\"tags\":[\"a,b\",\"{\\\"\\\\}\",\"NULL\"],\"ids\":[]}");

	assert_true(decoded.valid);
	assert_string_equal(decoded.arguments[TAGS].value.text,
	                    "{\"a,b\",\"{\\\"\\\\}\",\"NULL\"}");
	assert_string_equal(decoded.arguments[IDS].value.text, "{}");
	assert_false(np_is_null(decoded.arguments[IDS].value));
	assert_true(decoded.arguments[IDS].value.is_list);
	assert_string_equal(decoded.arguments[CODE].value.text, "{\"7\",\"9\"}");
	decoded = decode_rich(*state, "/rich", "{" ADA ",\"years\":[1815, 1.852e3]}");
	assert_true(decoded.valid);
	assert_string_equal(decoded.arguments[YEARS].value.text, "{\"1815\",\"1852\"}");
	decoded = decode_rich(*state, "/rich?code=7&code=8&code=9", "{" ADA "}");
	assert_true(has_fault(&decoded, "query", "code", "at most 2 values"));
	decoded = decode_rich(*state, "/rich?code=10", "{" ADA "}");
	assert_true(
	    has_fault(&decoded, "query", "code", "each item must be a whole number from 1 to 9"));
}

static void
json_is_passed_on_unchanged(void **state)
{
	static const char *const values[] = {
		"null",       "true",        "1.5",  "\"text\"", "[1,{\"a\":null}]",
		"{\"b\":[]}", "\"\\u00e9\"", "-0.10"
	};

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		char body[128];
		struct decoded decoded;

		(void)snprintf(body, sizeof(body), "{%s,\"anything\":%s}", ADA, values[i]);
		decoded = decode_rich(*state, "/rich", body);
		assert_true(decoded.valid);
		assert_string_equal(decoded.arguments[ANYTHING].value.text, values[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_lenient_route_ignores_unknown_names),
		TEST(each_type_has_its_rule),
		TEST(a_checked_value_has_its_text_and_its_type),
		TEST(an_invalid_row_accepts_nothing),
		TEST(a_list_is_bounded_in_bytes),
		TEST(an_email_has_at_most_254_bytes),
		TEST(values_come_from_all_four_places),
		TEST(an_absent_argument_is_the_default_value_or_null),
		TEST(null_counts_as_given_if_it_is_allowed),
		TEST(minus_zero_is_a_whole_number),
		TEST(a_number_without_a_fraction_is_a_whole_one),
		TEST(a_fault_names_its_place_parameter_and_rule),
		TEST(every_fault_is_found_at_once),
		TEST(faults_beyond_the_maximum_are_dropped),
		TEST(decoding_a_body_stops_at_the_maximum_of_faults),
		TEST(a_long_unknown_name_is_cut),
		TEST(a_partial_body_may_lack_what_is_required),
		TEST(a_partial_body_has_something_in_it),
		TEST(a_body_must_have_the_media_type_of_json),
		TEST(an_encoded_body_is_refused),
		TEST(a_body_that_is_not_json_is_malformed),
		TEST(a_body_that_is_not_an_object_is_invalid),
		TEST(a_route_without_fields_reads_no_body),
		TEST(a_route_without_parameters_takes_no_query),
		TEST(a_header_can_be_required),
		TEST(places_have_names),
		TEST(values_come_from_objects_in_the_body),
		TEST(each_fault_in_a_body_is_named_with_its_path),
		TEST(a_list_is_a_postgres_array),
		TEST(json_is_passed_on_unchanged),
	};

	return cmocka_run_group_tests_name("param", tests, NULL, NULL);
}
