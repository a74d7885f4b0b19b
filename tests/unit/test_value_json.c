#include <math.h>

#include "app/value_json.h"
#include "unit.h"

static const struct value_row {
	const char *about;
	struct np_value value;
	const char *json;
} value_rows[] = {
	{ "no value", { .text = NULL }, "null" },
	{ "no number", { .text = NULL, .type = NP_TYPE_INT }, "null" },
	{ "no list", { .text = NULL, .is_list = true }, "null" },
	{ "string", { .present = true, .text = "a \"b\"" }, "\"a \\\"b\\\"\"" },
	{ "string of digits", { .present = true, .text = "7" }, "\"7\"" },
	{ "uuid",
	  { .present = true, .text = "00000000-0000-0000-0000-00000000002a", .type = NP_TYPE_UUID },
	  "\"00000000-0000-0000-0000-00000000002a\"" },
	{ "email",
	  { .present = true, .text = "a@example.com", .type = NP_TYPE_EMAIL },
	  "\"a@example.com\"" },
	{ "integer",
	  { .present = true, .text = "-9223372036854775808", .type = NP_TYPE_INT },
	  "-9223372036854775808" },
	{ "float", { .present = true, .text = "1.5e300", .type = NP_TYPE_FLOAT }, "1.5e300" },
	{ "true", { .present = true, .text = "true", .type = NP_TYPE_BOOL }, "true" },
	{ "false", { .present = true, .text = "false", .type = NP_TYPE_BOOL }, "false" },
	{ "integer without a text",
	  { .present = true, .type = NP_TYPE_INT, .integer = INT64_MIN },
	  "-9223372036854775808" },
	{ "float without a text",
	  { .present = true, .type = NP_TYPE_FLOAT, .number = 0.1 },
	  "0.1" },
	{ "float that is not finite",
	  { .present = true, .type = NP_TYPE_FLOAT, .number = NAN },
	  "null" },
	{ "date",
	  { .present = true, .text = "2026-01-31", .type = NP_TYPE_DATE },
	  "\"2026-01-31\"" },
	{ "datetime",
	  { .present = true, .text = "2026-01-31T23:59:59.5+02:00", .type = NP_TYPE_DATETIME },
	  "\"2026-01-31T23:59:59.5+02:00\"" },
	{ "enum", { .present = true, .text = "big", .type = NP_TYPE_ENUM }, "\"big\"" },
	{ "JSON",
	  { .present = true, .text = "[1,null,{\"a\":\"b\"}]", .type = NP_TYPE_JSON },
	  "[1,null,{\"a\":\"b\"}]" },
	{ "JSON's null", { .present = true, .text = "null", .type = NP_TYPE_JSON }, "null" },
	{ "JSON's string", { .present = true, .text = "\"a\"", .type = NP_TYPE_JSON }, "\"a\"" },
	{ "object", { .present = true, .text = "{}", .type = NP_TYPE_OBJECT }, "{}" },
	{ "cursor", { .present = true, .text = "abc", .type = NP_TYPE_CURSOR }, "\"abc\"" },
	{ "empty list",
	  { .present = true, .text = "{}", .type = NP_TYPE_INT, .is_list = true },
	  "[]" },
	{ "integers",
	  { .present = true, .text = "{\"1\",\"-2\"}", .type = NP_TYPE_INT, .is_list = true },
	  "[1,-2]" },
	{ "floats",
	  { .present = true, .text = "{\"1.5\",\"2\"}", .type = NP_TYPE_FLOAT, .is_list = true },
	  "[1.5,2]" },
	{ "booleans",
	  { .present = true,
	    .text = "{\"true\",\"false\"}",
	    .type = NP_TYPE_BOOL,
	    .is_list = true },
	  "[true,false]" },
	{ "strings",
	  { .present = true, .text = "{\"a,}\\\"\",\"NULL\",\"\"}", .is_list = true },
	  "[\"a,}\\\"\",\"NULL\",\"\"]" },
	{ "dates",
	  { .present = true, .text = "{\"2026-01-31\"}", .type = NP_TYPE_DATE, .is_list = true },
	  "[\"2026-01-31\"]" },
	{ "int8 column", { .present = true, .text = "5", .column_type = 20 }, "5" },
	{ "bool column", { .present = true, .text = "t", .column_type = 16 }, "true" },
	{ "NaN column", { .present = true, .text = "NaN", .column_type = 701 }, "null" },
	{ "infinite column", { .present = true, .text = "-Infinity", .column_type = 700 }, "null" },
	{ "numeric column", { .present = true, .text = "12.50", .column_type = 1700 }, "12.50" },
	{ "numeric column beyond a double",
	  { .present = true, .text = "12345678901234567890.123", .column_type = 1700 },
	  "\"12345678901234567890.123\"" },
	{ "jsonb column",
	  { .present = true, .text = "{\"a\": 1}", .column_type = 3802 },
	  "{\"a\": 1}" },
	{ "json column", { .present = true, .text = "[1,\n2]", .column_type = 114 }, "[1, 2]" },
	{ "bytea column",
	  { .present = true, .text = "\\x00ff", .column_type = 17 },
	  "\"\\\\x00ff\"" },
	{ "interval column",
	  { .present = true, .text = "1 day", .column_type = 1186 },
	  "\"1 day\"" },
	{ "timestamptz column",
	  { .present = true, .text = "2026-01-31 23:59:59+00", .column_type = 1184 },
	  "\"2026-01-31T23:59:59+00:00\"" },
	{ "range column", { .present = true, .text = "[1,5)", .column_type = 3904 }, "\"[1,5)\"" },
	{ "nested array column",
	  { .present = true, .text = "{{1,2},{3,NULL}}", .column_type = 1007 },
	  "[[1,2],[3,null]]" },
};

static void
each_value_has_its_json(void **state)
{
	for (size_t i = 0; i < COUNT_OF(value_rows); i++) {
		const struct value_row *row = &value_rows[i];
		struct buf out;

		buf_init(&out, *state, 1000);
		value_json(&out, row->value);
		row_true(row, strcmp(out.data, row->json) == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_value_has_its_json),
	};

	return cmocka_run_group_tests_name("value_json", tests, NULL, NULL);
}
