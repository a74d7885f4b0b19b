#include "base/misuse.h"
#include "db/rows.h"
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

static void
a_field_is_text_that_sql_accepts_again(void **state)
{
	struct np_rows *rows = two_rows(*state);

	assert_string_equal(np_field(rows, 0, "id").text, "1");
	assert_string_equal(np_field(rows, 0, "Name").text, "a \"b\"");
	assert_string_equal(np_field(rows, 0, "is \"x\"").text, "t");
	assert_string_equal(np_field(rows, 1, "id").text, "2");
	assert_int_equal(np_field(rows, 0, "id").type, NP_TYPE_STRING);
}

static void
a_null_field_is_null(void **state)
{
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
		row_true(row, !np_field(rows, row->row, row->column).text);
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
	rows_json(rows, 0, &out);
	assert_string_equal(out.data, "{\"id\":1,\"Name\":\"a \\\"b\\\"\",\"is \\\"x\\\"\":true}");
	buf_reset(&out);
	rows_json(rows, 1, &out);
	assert_string_equal(out.data, "{\"id\":2,\"Name\":null,\"is \\\"x\\\"\":null}");
}

static void
a_row_without_columns_is_an_empty_object(void **state)
{
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	struct buf out;

	buf_init(&out, *state, 16);
	rows_json(rows_new(*state, result), 0, &out);
	assert_string_equal(out.data, "{}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_are_counted),
		TEST(a_field_is_text_that_sql_accepts_again),
		TEST(a_null_field_is_null),
		TEST(a_missing_field_is_noted_by_name),
		TEST(a_row_is_an_object_in_the_order_of_its_columns),
		TEST(a_row_without_columns_is_an_empty_object),
	};

	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
