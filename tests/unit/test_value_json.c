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
	{ "string", { .text = "a \"b\"" }, "\"a \\\"b\\\"\"" },
	{ "string of digits", { .text = "7" }, "\"7\"" },
	{ "uuid",
	  { .text = "00000000-0000-0000-0000-00000000002a", .type = NP_TYPE_UUID },
	  "\"00000000-0000-0000-0000-00000000002a\"" },
	{ "email", { .text = "a@example.com", .type = NP_TYPE_EMAIL }, "\"a@example.com\"" },
	{ "integer",
	  { .text = "-9223372036854775808", .type = NP_TYPE_INT },
	  "-9223372036854775808" },
	{ "float", { .text = "1.5e300", .type = NP_TYPE_FLOAT }, "1.5e300" },
	{ "true", { .text = "true", .type = NP_TYPE_BOOL }, "true" },
	{ "false", { .text = "false", .type = NP_TYPE_BOOL }, "false" },
	{ "date", { .text = "2026-01-31", .type = NP_TYPE_DATE }, "\"2026-01-31\"" },
	{ "datetime",
	  { .text = "2026-01-31T23:59:59.5+02:00", .type = NP_TYPE_DATETIME },
	  "\"2026-01-31T23:59:59.5+02:00\"" },
	{ "enum", { .text = "big", .type = NP_TYPE_ENUM }, "\"big\"" },
	{ "JSON",
	  { .text = "[1,null,{\"a\":\"b\"}]", .type = NP_TYPE_JSON },
	  "[1,null,{\"a\":\"b\"}]" },
	{ "JSON's null", { .text = "null", .type = NP_TYPE_JSON }, "null" },
	{ "JSON's string", { .text = "\"a\"", .type = NP_TYPE_JSON }, "\"a\"" },
	{ "object", { .text = "{}", .type = NP_TYPE_OBJECT }, "{}" },
	{ "cursor", { .text = "abc", .type = NP_TYPE_CURSOR }, "\"abc\"" },
	{ "empty list", { .text = "{}", .type = NP_TYPE_INT, .is_list = true }, "[]" },
	{ "integers",
	  { .text = "{\"1\",\"-2\"}", .type = NP_TYPE_INT, .is_list = true },
	  "[1,-2]" },
	{ "floats",
	  { .text = "{\"1.5\",\"2\"}", .type = NP_TYPE_FLOAT, .is_list = true },
	  "[1.5,2]" },
	{ "booleans",
	  { .text = "{\"true\",\"false\"}", .type = NP_TYPE_BOOL, .is_list = true },
	  "[true,false]" },
	{ "strings",
	  { .text = "{\"a,}\\\"\",\"NULL\",\"\"}", .is_list = true },
	  "[\"a,}\\\"\",\"NULL\",\"\"]" },
	{ "dates",
	  { .text = "{\"2026-01-31\"}", .type = NP_TYPE_DATE, .is_list = true },
	  "[\"2026-01-31\"]" },
	{ "int8 column", { .text = "5", .column_type = 20 }, "5" },
	{ "bool column", { .text = "t", .column_type = 16 }, "true" },
	{ "NaN column", { .text = "NaN", .column_type = 701 }, "null" },
	{ "infinite column", { .text = "-Infinity", .column_type = 700 }, "null" },
	{ "numeric column", { .text = "12.50", .column_type = 1700 }, "12.50" },
	{ "numeric column beyond a double",
	  { .text = "12345678901234567890.123", .column_type = 1700 },
	  "\"12345678901234567890.123\"" },
	{ "jsonb column", { .text = "{\"a\": 1}", .column_type = 3802 }, "{\"a\": 1}" },
	{ "json column", { .text = "[1,\n2]", .column_type = 114 }, "[1, 2]" },
	{ "bytea column", { .text = "\\x00ff", .column_type = 17 }, "\"\\\\x00ff\"" },
	{ "interval column", { .text = "1 day", .column_type = 1186 }, "\"1 day\"" },
	{ "timestamptz column",
	  { .text = "2026-01-31 23:59:59+00", .column_type = 1184 },
	  "\"2026-01-31T23:59:59+00:00\"" },
	{ "range column", { .text = "[1,5)", .column_type = 3904 }, "\"[1,5)\"" },
	{ "nested array column",
	  { .text = "{{1,2},{3,NULL}}", .column_type = 1007 },
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
