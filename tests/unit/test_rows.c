#include <float.h>
#include <math.h>

#include "base/misuse.h"
#include "db/rows.h"
#include "db/types.h"
#include "unit.h"

enum { INT4 = 23, TEXT = 25, BOOL = 16 };

/* Two rows of (id int4, Name text, "is ""x""" bool), the second with NULLs. */
static struct np_rows *
two_rows(void *owner)
{
	static char id[] = "id", name[] = "Name", quoted[] = "is \"x\"";
	static char one[] = "1", two[] = "2", text[] = "a \"b\"", yes[] = "t";
	PGresAttDesc columns[] = {
		{ .name = id, .typid = INT4 },
		{ .name = name, .typid = TEXT },
		{ .name = quoted, .typid = BOOL },
	};
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

	assert_non_null(result);
	assert_int_equal(PQsetResultAttrs(result, COUNT_OF(columns), columns), 1);
	assert_int_equal(PQsetvalue(result, 0, 0, one, 1), 1);
	assert_int_equal(PQsetvalue(result, 0, 1, text, 5), 1);
	assert_int_equal(PQsetvalue(result, 0, 2, yes, 1), 1);
	assert_int_equal(PQsetvalue(result, 1, 0, two, 1), 1);
	assert_int_equal(PQsetvalue(result, 1, 1, NULL, -1), 1);
	assert_int_equal(PQsetvalue(result, 1, 2, NULL, -1), 1);
	return rows_new(owner, result);
}

static void
rows_are_counted(void **state)
{
	PGresult *empty = PQmakeEmptyPGresult(NULL, PGRES_COMMAND_OK);

	assert_int_equal(np_rows_count(two_rows(*state)), 2);
	assert_int_equal(np_rows_count(rows_new(*state, empty)), 0);
}

/* One row with one column of that type; NULL: the field is NULL. */
static struct np_value
field_of(void *owner, Oid type, const char *text)
{
	static char name[] = "value";
	PGresAttDesc column = { .name = name, .typid = type };
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	char *copy = text ? mem_strdup(owner, text) : NULL;

	assert_non_null(result);
	assert_int_equal(PQsetResultAttrs(result, 1, &column), 1);
	assert_int_equal(PQsetvalue(result, 0, 0, copy, text ? (int)strlen(text) : -1), 1);
	return np_field(rows_new(owner, result), 0, "value");
}

/* A type of pg_type.dat, or one that types.h knows. */
static const struct type_row {
	const char *about;
	Oid oid;
	enum np_type type;
	bool is_list;
	const char *text;
} type_rows[] = {
	{ "bool", 16, NP_TYPE_BOOL, false, "t" },
	{ "int2", 21, NP_TYPE_INT, false, "7" },
	{ "int4", 23, NP_TYPE_INT, false, "7" },
	{ "int8", 20, NP_TYPE_INT, false, "7" },
	{ "float4", 700, NP_TYPE_FLOAT, false, "1.5" },
	{ "float8", 701, NP_TYPE_FLOAT, false, "1.5" },
	{ "uuid", 2950, NP_TYPE_UUID, false, "00000000-0000-0000-0000-00000000002a" },
	{ "date", 1082, NP_TYPE_DATE, false, "2026-01-31" },
	{ "timestamptz", 1184, NP_TYPE_DATETIME, false, "2026-01-31 23:59:59+00" },
	{ "json", 114, NP_TYPE_JSON, false, "{}" },
	{ "jsonb", 3802, NP_TYPE_JSON, false, "{}" },
	{ "text", 25, NP_TYPE_STRING, false, "7" },
	{ "varchar", 1043, NP_TYPE_STRING, false, "7" },
	{ "numeric stays text", 1700, NP_TYPE_STRING, false, "12.50" },
	{ "oid", 26, NP_TYPE_STRING, false, "26" },
	{ "timestamp has no offset", 1114, NP_TYPE_STRING, false, "2026-01-31 23:59:59" },
	{ "interval", 1186, NP_TYPE_STRING, false, "1 day" },
	{ "bytea", 17, NP_TYPE_STRING, false, "\\x00ff" },
	{ "array of bool", 1000, NP_TYPE_BOOL, true, "{t,NULL}" },
	{ "array of int2", 1005, NP_TYPE_INT, true, "{1,2}" },
	{ "array of int4", 1007, NP_TYPE_INT, true, "{{1},{2}}" },
	{ "array of int8", 1016, NP_TYPE_INT, true, "{}" },
	{ "array of float8", 1022, NP_TYPE_FLOAT, true, "{NaN}" },
	{ "array of uuid", 2951, NP_TYPE_UUID, true, "{}" },
	{ "array of date", 1182, NP_TYPE_DATE, true, "{2026-01-31}" },
	{ "array of timestamptz", 1185, NP_TYPE_DATETIME, true, "{}" },
	{ "array of jsonb", 3807, NP_TYPE_JSON, true, "{\"{}\"}" },
	{ "array of text", 1009, NP_TYPE_STRING, true, "{a}" },
	{ "array of numeric", 1231, NP_TYPE_STRING, true, "{1.5}" },
	{ "enum, which nobody described", 90001, NP_TYPE_STRING, false, "sad" },
	{ "array of an enum", 90011, NP_TYPE_STRING, true, "{sad}" },
	{ "array of a domain of int4", 90012, NP_TYPE_INT, true, "{1}" },
	{ "domain of int8[]", 90013, NP_TYPE_INT, true, "{1}" },
	{ "plain type", 90014, NP_TYPE_STRING, false, "a" },
};

static void
a_field_has_the_type_of_its_column(void **state)
{
	static const struct known_type learnt[] = {
		{ 90011, TYPE_ARRAY, 90001, ',' }, { 90012, TYPE_ARRAY, 90022, ',' },
		{ 90022, TYPE_DOMAIN, 23, ',' },   { 90013, TYPE_DOMAIN, 1016, ',' },
		{ 90014, TYPE_PLAIN, 0, ',' },
	};

	for (size_t i = 0; i < COUNT_OF(learnt); i++)
		types_add(&learnt[i]);
	for (size_t i = 0; i < COUNT_OF(type_rows); i++) {
		const struct type_row *row = &type_rows[i];
		const struct np_value value = field_of(*state, row->oid, row->text),
		                      null = field_of(*state, row->oid, NULL);

		row_int(row, value.type, row->type);
		row_int(row, value.is_list, row->is_list);
		row_int(row, value.column_type, row->oid);
		row_text(row, value.text, row->text);
		row_true(row, !np_is_null(value) && np_is_null(null) && !null.text);
		row_int(row, null.type, row->type);
		row_int(row, null.is_list, row->is_list);
	}
}

static void
a_field_has_its_number(void **state)
{
	assert_true(field_of(*state, 21, "-32768").integer == INT16_MIN);
	assert_true(field_of(*state, 23, "2147483647").integer == INT32_MAX);
	assert_true(field_of(*state, 20, "-9223372036854775808").integer == INT64_MIN);
	assert_true(field_of(*state, 20, "9223372036854775807").integer == INT64_MAX);
	assert_true(field_of(*state, 700, "0.1").number == 0.1);
	assert_true(field_of(*state, 701, "-1.7976931348623157e+308").number == -DBL_MAX);
	assert_true(field_of(*state, 701, "5e-324").number > 0);
	assert_true(isnan(field_of(*state, 701, "NaN").number));
	assert_true(field_of(*state, 701, "Infinity").number == INFINITY);
	assert_true(field_of(*state, 701, "-Infinity").number == -INFINITY);
	assert_true(field_of(*state, 16, "t").boolean);
	assert_false(field_of(*state, 16, "f").boolean);
	/* No number is read from what has none, or several. */
	assert_true(field_of(*state, 1700, "7").integer == 0);
	assert_true(field_of(*state, 1016, "{7}").integer == 0);
	assert_true(field_of(*state, 20, NULL).integer == 0);
}

static void
a_field_is_text_that_sql_accepts_again(void **state)
{
	struct np_rows *rows = two_rows(*state);

	assert_string_equal(np_field(rows, 0, "id").text, "1");
	assert_string_equal(np_field(rows, 0, "Name").text, "a \"b\"");
	assert_string_equal(np_field(rows, 0, "is \"x\"").text, "t");
	assert_string_equal(np_field(rows, 1, "id").text, "2");
}

static void
a_null_field_is_null(void **state)
{
	assert_true(np_is_null(np_field(two_rows(*state), 1, "Name")));
	assert_null(np_field(two_rows(*state), 1, "Name").text);
}

static void
a_missing_field_is_noted_by_name(void **state)
{
	static const struct missing_row {
		const char *about;
		size_t row;
		const char *column;
		const char *says;
	} missing_rows[] = {
		{ "another column", 0, "missing",
		  "np_field() of column \"missing\", which the result does not have" },
		{ "another case", 0, "name",
		  "np_field() of column \"name\", which the result does not have" },
		{ "another row", 2, "id", "np_field() of row 2, and there are 2" },
	};
	struct np_rows *rows = two_rows(*state);

	for (size_t i = 0; i < COUNT_OF(missing_rows); i++) {
		const struct missing_row *row = &missing_rows[i];

		misuse_reset();
		assert_null(misuse_noted());
		row_true(row, np_is_null(np_field(rows, row->row, row->column)));
		row_text(row, misuse_noted(), row->says);
	}
	(void)np_field(rows, 0, "more");
	assert_string_equal(misuse_noted(), missing_rows[2].says); /* the first one stays */
	misuse_reset();
}

static void
a_row_is_an_object_in_the_order_of_its_columns(void **state)
{
	struct np_rows *rows = two_rows(*state);
	struct buf out;

	buf_init(&out, *state, 4096);
	rows_json(rows, 0, NULL, &out);
	assert_string_equal(out.data, "{\"id\":1,\"Name\":\"a \\\"b\\\"\",\"is \\\"x\\\"\":true}");
	buf_reset(&out);
	rows_json(rows, 1, NULL, &out);
	assert_string_equal(out.data, "{\"id\":2,\"Name\":null,\"is \\\"x\\\"\":null}");
}

static void
a_row_without_columns_is_an_empty_object(void **state)
{
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	struct buf out;

	buf_init(&out, *state, 16);
	rows_json(rows_new(*state, result), 0, NULL, &out);
	assert_string_equal(out.data, "{}");
}

static void
columns_that_are_omitted_are_not_in_the_object(void **state)
{
	static const char *const names[] = { "id", "is \"x\"", "missing" };
	struct buf out;

	buf_init(&out, *state, 4096);
	rows_json(two_rows(*state), 0, &(struct np_names){ names, 3 }, &out);
	assert_string_equal(out.data, "{\"Name\":\"a \\\"b\\\"\"}");
	buf_reset(&out);
	rows_json(two_rows(*state), 1, &(struct np_names){ names, 1 }, &out);
	assert_string_equal(out.data, "{\"Name\":null,\"is \\\"x\\\"\":null}");
}

static void
one_row_is_made_of_its_columns(void **state)
{
	static const struct rows_column columns[] = {
		{ "id", INT4, "7" },
		{ "Name", TEXT, "" },
		{ "gone", BOOL, NULL },
	};
	struct np_rows *row = rows_of_one(*state, columns, COUNT_OF(columns));
	struct buf out;

	buf_init(&out, *state, 4096);
	assert_int_equal(np_rows_count(row), 1);
	rows_json(row, 0, NULL, &out);
	assert_string_equal(out.data, "{\"id\":7,\"Name\":\"\",\"gone\":null}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_are_counted),
		TEST(a_field_has_the_type_of_its_column),
		TEST(a_field_has_its_number),
		TEST(a_field_is_text_that_sql_accepts_again),
		TEST(a_null_field_is_null),
		TEST(a_missing_field_is_noted_by_name),
		TEST(a_row_is_an_object_in_the_order_of_its_columns),
		TEST(a_row_without_columns_is_an_empty_object),
		TEST(columns_that_are_omitted_are_not_in_the_object),
		TEST(one_row_is_made_of_its_columns),
	};

	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
