#include "db/pgjson.h"
#include "db/types.h"
#include "unit.h"

/* pg_type.dat */
enum {
	BOOL = 16,
	BYTEA = 17,
	INT8 = 20,
	INT2 = 21,
	INT4 = 23,
	TEXT = 25,
	OID = 26,
	JSON = 114,
	FLOAT4 = 700,
	FLOAT8 = 701,
	BOOLS = 1000,
	INT2S = 1005,
	INT4S = 1007,
	TEXTS = 1009,
	INT8S = 1016,
	FLOAT8S = 1022,
	VARCHAR = 1043,
	DATE = 1082,
	TIMESTAMP = 1114,
	TIMESTAMPS = 1115,
	DATES = 1182,
	TIMESTAMPTZ = 1184,
	TIMESTAMPTZS = 1185,
	INTERVAL = 1186,
	NUMERICS = 1231,
	NUMERIC = 1700,
	UUID = 2950,
	UUIDS = 2951,
	JSONS = 199,
	JSONB = 3802,
	JSONBS = 3807,
	AN_ENUM = 16500,
};

static const struct value_row {
	const char *about;
	uint32_t oid;
	const char *text;
	const char *json;
} value_rows[] = {
	{ "true", BOOL, "t", "true" },
	{ "false", BOOL, "f", "false" },
	{ "int2", INT2, "-32768", "-32768" },
	{ "int4", INT4, "2147483647", "2147483647" },
	{ "int8", INT8, "-9223372036854775808", "-9223372036854775808" },
	{ "oid", OID, "4294967295", "4294967295" },
	{ "float4", FLOAT4, "1.5", "1.5" },
	{ "float8", FLOAT8, "1.7976931348623157e+308", "1.7976931348623157e+308" },
	{ "small float", FLOAT8, "5e-324", "5e-324" },
	{ "minus zero", FLOAT8, "-0", "-0" },
	{ "NaN", FLOAT8, "NaN", "null" },
	{ "Infinity", FLOAT8, "Infinity", "null" },
	{ "-Infinity", FLOAT4, "-Infinity", "null" },

	{ "numeric", NUMERIC, "12.50", "12.50" },
	{ "negative numeric", NUMERIC, "-0.01", "-0.01" },
	{ "numeric zero", NUMERIC, "0.00", "0.00" },
	{ "numeric of 15 digits", NUMERIC, "1234567890.12345", "1234567890.12345" },
	{ "numeric of 17 digits", NUMERIC, "12345678901.234567", "\"12345678901.234567\"" },
	{ "a large whole numeric", NUMERIC, "12345678901234567890", "\"12345678901234567890\"" },
	{ "leading zeros are not significant", NUMERIC, "0.000000000000000000123",
	  "0.000000000000000000123" },
	{ "trailing zeros are not significant", NUMERIC, "100000000000000000000",
	  "100000000000000000000" },
	{ "zeros inside are significant", NUMERIC, "1.00000000000000000001",
	  "\"1.00000000000000000001\"" },
	{ "numeric NaN", NUMERIC, "NaN", "null" },
	{ "numeric Infinity", NUMERIC, "Infinity", "null" },

	{ "json is copied", JSON, "{\"b\":1, \"a\":[2]}", "{\"b\":1, \"a\":[2]}" },
	{ "json over lines", JSON, "{\n\"a\":\r\n1}", "{ \"a\":  1}" },
	{ "json with an escaped line feed", JSON, "\"a\\nb\"", "\"a\\nb\"" },
	{ "jsonb", JSONB, "{\"a\": null}", "{\"a\": null}" },
	{ "jsonb null", JSONB, "null", "null" },

	{ "timestamptz in UTC", TIMESTAMPTZ, "2026-01-31 23:59:59+00",
	  "\"2026-01-31T23:59:59+00:00\"" },
	{ "timestamptz with a fraction", TIMESTAMPTZ, "2026-01-31 23:59:59.123456+00",
	  "\"2026-01-31T23:59:59.123456+00:00\"" },
	{ "timestamptz west", TIMESTAMPTZ, "2026-01-31 23:59:59.5-08",
	  "\"2026-01-31T23:59:59.5-08:00\"" },
	{ "timestamptz with minutes", TIMESTAMPTZ, "2026-01-31 23:59:59+05:30",
	  "\"2026-01-31T23:59:59+05:30\"" },
	{ "timestamptz of local mean time", TIMESTAMPTZ, "1890-01-01 00:00:00+00:53:28",
	  "\"1890-01-01 00:00:00+00:53:28\"" },
	{ "timestamptz BC with minutes", TIMESTAMPTZ, "0044-03-15 00:00:00+05:30 BC",
	  "\"0044-03-15 00:00:00+05:30 BC\"" },
	{ "timestamptz of year 10000", TIMESTAMPTZ, "10000-01-01 00:00:00+00",
	  "\"10000-01-01 00:00:00+00\"" },
	{ "timestamptz infinity", TIMESTAMPTZ, "infinity", "\"infinity\"" },
	{ "timestamp", TIMESTAMP, "2026-01-31 23:59:59", "\"2026-01-31T23:59:59\"" },
	{ "timestamp with a fraction", TIMESTAMP, "2026-01-31 23:59:59.1",
	  "\"2026-01-31T23:59:59.1\"" },
	{ "timestamp BC", TIMESTAMP, "0044-03-15 00:00:00 BC", "\"0044-03-15 00:00:00 BC\"" },
	{ "timestamp -infinity", TIMESTAMP, "-infinity", "\"-infinity\"" },

	{ "text", TEXT, "a \"b\"\n\xc3\xa9", "\"a \\\"b\\\"\\n\xc3\xa9\"" },
	{ "empty text", TEXT, "", "\"\"" },
	{ "text that looks like a number", VARCHAR, "1", "\"1\"" },
	{ "text that says NULL", TEXT, "NULL", "\"NULL\"" },
	{ "text that looks like an array", TEXT, "{1,2}", "\"{1,2}\"" },
	{ "uuid", UUID, "018f4e4e-7f3a-7000-8000-0123456789ab",
	  "\"018f4e4e-7f3a-7000-8000-0123456789ab\"" },
	{ "date", DATE, "2026-01-31", "\"2026-01-31\"" },
	{ "interval", INTERVAL, "1 day 02:00:00", "\"1 day 02:00:00\"" },
	{ "bytea", BYTEA, "\\x00ff", "\"\\\\x00ff\"" },
	{ "enum", AN_ENUM, "happy", "\"happy\"" },
	{ "array of an unknown type", AN_ENUM + 1, "{happy,sad}", "\"{happy,sad}\"" },

	{ "empty array", INT4S, "{}", "[]" },
	{ "integers", INT4S, "{1,-2,3}", "[1,-2,3]" },
	{ "small and large integers", INT2S, "{1}", "[1]" },
	{ "int8 array", INT8S, "{9223372036854775807}", "[9223372036854775807]" },
	{ "NULL in an array", INT4S, "{1,NULL,3}", "[1,null,3]" },
	{ "nested", INT4S, "{{1,2},{3,4}}", "[[1,2],[3,4]]" },
	{ "nested three deep", INT4S, "{{{1},{2}}}", "[[[1],[2]]]" },
	{ "bounds", INT4S, "[0:1]={1,2}", "[1,2]" },
	{ "bounds of two dimensions", INT4S, "[1:1][-2:-1]={{1,2}}", "[[1,2]]" },
	{ "bools", BOOLS, "{t,f,NULL}", "[true,false,null]" },
	{ "floats", FLOAT8S, "{1.5,NaN,-Infinity,1e+20}", "[1.5,null,null,1e+20]" },
	{ "numerics", NUMERICS, "{1.50,12345678901234567890}", "[1.50,\"12345678901234567890\"]" },
	{ "words", TEXTS, "{a,b}", "[\"a\",\"b\"]" },
	{ "NULL and \"NULL\"", TEXTS, "{NULL,\"NULL\",\"null\"}", "[null,\"NULL\",\"null\"]" },
	{ "quotes and backslashes", TEXTS, "{\"a \\\"b\\\"\",\"c\\\\d\"}",
	  "[\"a \\\"b\\\"\",\"c\\\\d\"]" },
	{ "commas and braces in quotes", TEXTS, "{\"a,b\",\"{c}\",\"[0:1]=\"}",
	  "[\"a,b\",\"{c}\",\"[0:1]=\"]" },
	{ "empty text in an array", TEXTS, "{\"\",a}", "[\"\",\"a\"]" },
	{ "line feed in an array", TEXTS, "{\"a\nb\"}", "[\"a\\nb\"]" },
	{ "nested texts", TEXTS, "{{a,\"b c\"},{NULL,d}}", "[[\"a\",\"b c\"],[null,\"d\"]]" },
	{ "UTF-8 in an array", TEXTS, "{\xc3\xa9}", "[\"\xc3\xa9\"]" },
	{ "uuids", UUIDS, "{018f4e4e-7f3a-7000-8000-0123456789ab}",
	  "[\"018f4e4e-7f3a-7000-8000-0123456789ab\"]" },
	{ "dates", DATES, "{2026-01-31,NULL}", "[\"2026-01-31\",null]" },
	{ "timestamps", TIMESTAMPS, "{\"2026-01-31 23:59:59\"}", "[\"2026-01-31T23:59:59\"]" },
	{ "timestamptzs", TIMESTAMPTZS, "{\"2026-01-31 23:59:59+00\",infinity}",
	  "[\"2026-01-31T23:59:59+00:00\",\"infinity\"]" },
	{ "jsonbs", JSONBS, "{\"{\\\"a\\\": \\\"b,c\\\"}\",1,\"null\",NULL}",
	  "[{\"a\": \"b,c\"},1,null,null]" },
	{ "jsons over lines", JSONS, "{\"[\n1]\"}", "[[ 1]]" },
};

static const char *
converted(void *owner, uint32_t oid, const char *text)
{
	struct buf out;

	buf_init(&out, owner, 4096);
	pgjson_value(&out, oid, text, strlen(text));
	assert_false(out.overflow);
	return out.data;
}

static void
each_type_has_its_json(void **state)
{
	for (size_t i = 0; i < COUNT_OF(value_rows); i++) {
		const struct value_row *row = &value_rows[i];

		row_text(row, converted(*state, row->oid, row->text), row->json);
		(void)unit_json(*state, row->json);
	}
}

/* "+00 BC" is as long as "+05:30". */
static void
a_time_before_christ_stays_as_postgres_writes_it(void **state)
{
	assert_string_equal(converted(*state, TIMESTAMPTZ, "0044-03-15 00:00:00+00 BC"),
	                    "\"0044-03-15 00:00:00+00 BC\"");
}

/* 1 and 310 zeros: a double would be infinite, and a JSON parser would refuse it. */
static void
a_numeric_beyond_a_double_is_a_string(void **state)
{
	char text[312];
	const char *json;

	memset(text, '0', sizeof(text) - 1);
	text[0] = '1';
	text[sizeof(text) - 1] = '\0';
	json = converted(*state, NUMERIC, text);
	assert_int_equal(json[0], '"');
	assert_int_equal(strlen(json), strlen(text) + 2);
}

/* Wherever an array's text is cut, nothing is read past its end. */
static void
only_the_given_bytes_are_read(void **state)
{
	static const char text[] = "[0:1]={{\"a\\\"b\",NULL},{c,\"\"}}";

	for (size_t size = 0; size < sizeof(text); size++) {
		char *part = malloc(size ? size : 1);
		struct buf out;

		assert_non_null(part);
		memcpy(part, text, size);
		buf_init(&out, *state, 4096);
		pgjson_value(&out, TEXTS, part, size);
		pgjson_value(&out, TIMESTAMPTZ, part, size);
		pgjson_value(&out, NUMERIC, part, size);
		pgjson_value(&out, JSON, part, size);
		free(part);
	}
}

/* Under a sanitizer this shows as a leak. */
static void
an_array_may_be_written_to_the_callers_storage(void **state)
{
	char storage[64];
	struct buf out;

	(void)state;
	buf_init_fixed(&out, storage, sizeof(storage));
	pgjson_value(&out, TEXTS, "{\"a b\"}", 7);
	assert_string_equal(storage, "[\"a b\"]");
}

static void
a_value_that_does_not_fit_is_an_overflow(void **state)
{
	char storage[8];
	struct buf out;

	(void)state;
	buf_init_fixed(&out, storage, sizeof(storage));
	pgjson_value(&out, INT4S, "{1,2,3,4,5,6,7,8}", 17);
	assert_true(out.overflow);
}

/* As pg_type describes them. */
static void
a_learnt_type_is_written_by_what_it_is_made_of(void **state)
{
	static const struct {
		uint32_t oid;
		const char *text, *json;
	} rows[] = {
		{ 90001, "{sad,NULL,\"a,b\"}", "[\"sad\",null,\"a,b\"]" },
		{ 90001, "{{sad},{happy}}", "[[\"sad\"],[\"happy\"]]" },
		{ 90001, "[0:1]={sad,happy}", "[\"sad\",\"happy\"]" },
		{ 90001, "{}", "[]" },
		{ 90002, "7", "7" },
		{ 90003, "{7,8}", "[7,8]" },
		{ 90004, "{1,2}", "[1,2]" },
		{ 90005, "{\"{1,2}\",\"{3}\"}", "[[1,2],[3]]" },
		{ 90006, "{(1,1),(0,0);(2,2),(1,1)}", "[\"(1,1),(0,0)\",\"(2,2),(1,1)\"]" },
		{ 90007, "{plain}", "\"{plain}\"" },
		{ 90099, "{unknown}", "\"{unknown}\"" },
	};
	const struct known_type types[] = {
		{ 90001, TYPE_ARRAY, AN_ENUM, ',' }, { 90002, TYPE_DOMAIN, INT4, ',' },
		{ 90003, TYPE_ARRAY, 90002, ',' },   { 90004, TYPE_DOMAIN, INT4S, ',' },
		{ 90005, TYPE_ARRAY, 90004, ',' },   { 90006, TYPE_ARRAY, 603, ';' },
		{ 90007, TYPE_PLAIN, 0, ',' },
	};

	for (size_t i = 0; i < COUNT_OF(types); i++)
		types_add(&types[i]);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf out;

		buf_init(&out, *state, 1000);
		pgjson_value(&out, rows[i].oid, rows[i].text, strlen(rows[i].text));
		assert_string_equal(out.data, rows[i].json);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_learnt_type_is_written_by_what_it_is_made_of),
		TEST(each_type_has_its_json),
		TEST(a_time_before_christ_stays_as_postgres_writes_it),
		TEST(a_numeric_beyond_a_double_is_a_string),
		TEST(only_the_given_bytes_are_read),
		TEST(an_array_may_be_written_to_the_callers_storage),
		TEST(a_value_that_does_not_fit_is_an_overflow),
	};

	return cmocka_run_group_tests_name("pgjson", tests, NULL, NULL);
}
