#include "db/composite.h"
#include "unit.h"

enum { TEXT = 25 };

static PGresult *
table(int columns)
{
	static char name[] = "column";
	PGresAttDesc names[4] = { 0 };
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

	assert_non_null(result);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		names[i].name = name;
		names[i].typid = TEXT;
	}
	assert_int_equal(PQsetResultAttrs(result, columns, names), 1);
	return result;
}

/* As record_out() writes them. */
static void
a_value_that_postgres_wrote_is_read(void **state)
{
	static const struct {
		const char *text;
		const char *fields[3];
	} rows[] = {
		{ "(1,a,t)", { "1", "a", "t" } },
		{ "(,,)", { NULL, NULL, NULL } },
		{ "(\"\",a,)", { "", "a", NULL } },
		{ "(\"a \"\"b\"\"\",\"c\\\\d\",\"(,)\")", { "a \"b\"", "c\\d", "(,)" } },
		{ "(\"\"\"\"\"\",\"\\\\\",\"\n\")", { "\"\"", "\\", "\n" } },
		{ "(\"{a,\"\"NULL\"\",NULL,\"\"\\\\\"\"q\"\"}\",ä,-1)",
		  { "{a,\"NULL\",NULL,\"\\\"q\"}", "ä", "-1" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		PGresult *result = table(3);

		assert_true(composite_read(result, rows[i].text));
		for (int column = 0; column < 3; column++) {
			const char *field = rows[i].fields[column];

			assert_int_equal(PQgetisnull(result, 0, column), field == NULL);
			assert_string_equal(PQgetvalue(result, 0, column), field ? field : "");
		}
		PQclear(result);
	}
}

static void
a_value_that_was_written_is_read_again(void **state)
{
	static char const *const fields[] = { "plain", "", "\"\\(,) \n", "{\"a\\\\\"}" };
	PGresult *result = table(4), *again = table(4);
	struct json_object *document;
	struct buf out;

	for (int row = 0; row < 2; row++)
		for (int column = 0; column < 4; column++) {
			char *field = mem_strdup(*state, fields[column]);

			assert_int_equal(PQsetvalue(result, row, column,
			                            row == column ? NULL : field,
			                            row == column ? -1 : (int)strlen(field)),
			                 1);
		}
	buf_init(&out, *state, 4096);
	composite_write(&out, result);
	document = json_tokener_parse(out.data);
	assert_int_equal(json_object_array_length(document), 2);
	for (int row = 0; row < 2; row++)
		assert_true(composite_read(again, json_object_get_string(json_object_array_get_idx(
		                                      document, (size_t)row))));
	for (int row = 0; row < 2; row++)
		for (int column = 0; column < 4; column++) {
			assert_int_equal(PQgetisnull(again, row, column), row == column);
			assert_string_equal(PQgetvalue(again, row, column),
			                    PQgetvalue(result, row, column));
		}
	json_object_put(document);
	PQclear(result);
	PQclear(again);
}

static void
a_value_that_does_not_fit_the_columns_is_refused(void **state)
{
	static const char *const rows[] = { "",        "1,2",    "(1,2",    "(1)",
		                            "(1,2,3)", "(1,2) ", "(1,\"2)", "(1,2\\" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		PGresult *result = table(2);

		if (composite_read(result, rows[i]))
			fail_msg("read: %s", rows[i]);
		PQclear(result);
	}
}

static void
a_table_without_columns_has_no_rows(void **state)
{
	PGresult *result = table(0);

	(void)state;
	assert_false(composite_read(result, "()"));
	PQclear(result);
}

static void
a_value_that_does_not_fit_is_an_overflow(void **state)
{
	static char text[] = "twenty bytes of text";
	PGresult *result = table(1);
	struct buf out;

	assert_int_equal(PQsetvalue(result, 0, 0, text, (int)strlen(text)), 1);
	buf_init(&out, *state, 20);
	composite_write(&out, result);
	assert_true(out.overflow);
	PQclear(result);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_value_that_postgres_wrote_is_read),
		TEST(a_value_that_was_written_is_read_again),
		TEST(a_value_that_does_not_fit_the_columns_is_refused),
		TEST(a_table_without_columns_has_no_rows),
		TEST(a_value_that_does_not_fit_is_an_overflow),
	};

	return cmocka_run_group_tests_name("composite", tests, NULL, NULL);
}
