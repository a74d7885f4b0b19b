#include "app/keep_rows_sql.h"
#include "unit.h"

#define KEEP "INSERT INTO kept SELECT $1, $2 FROM np_work"

static const char *
wrapped(void *owner, const char *sql, size_t values)
{
	struct buf out;

	buf_init(&out, owner, 4096);
	return keep_rows_sql(&out, sql, values, KEEP) ? out.data : NULL;
}

static void
a_statement_is_put_into_a_with(void **state)
{
	assert_string_equal(
	    wrapped(*state, "INSERT INTO a VALUES ($1) RETURNING id", 1),
	    "WITH np_work AS (INSERT INTO a VALUES ($1) RETURNING id\n), np_stored AS (INSERT INTO"
	    " kept SELECT $2, $3 FROM np_work) SELECT * FROM np_work");
}

static void
one_with_a_with_keeps_it(void **state)
{
	assert_string_equal(
	    wrapped(*state, "WITH b AS (INSERT INTO a VALUES (1) RETURNING id) SELECT id FROM b",
	            0),
	    "WITH b AS (INSERT INTO a VALUES (1) RETURNING id) , np_work AS (SELECT id FROM b\n),"
	    " np_stored AS (" KEEP ") SELECT * FROM np_work");
}

static void
a_dollar_that_is_no_parameter_stays(void **state)
{
	struct buf out;

	buf_init(&out, *state, 4096);
	assert_true(keep_rows_sql(&out, "SELECT 1", 3, "INSERT INTO kept SELECT $1, '$', $$x$$"));
	assert_non_null(strstr(out.data, "INSERT INTO kept SELECT $4, '$', $$x$$)"));
}

/* What the main statement of a wrapped one begins with; the text stands in for it. */
static void
the_main_statement_is_found(void **state)
{
	static const struct {
		const char *before, *main;
	} rows[] = {
		{ "", "select 1" },
		{ "", "Update a SET b = 1 returning b" },
		{ "", "DELETE FROM a RETURNING *" },
		{ "", "SELECT 1 -- the end" },
		{ "WITH a AS (SELECT 1), b AS (SELECT 2) ",
		  "INSERT INTO c SELECT * FROM b RETURNING 1" },
		{ "WITH RECURSIVE a(n) AS NOT MATERIALIZED (SELECT ')') ", "SELECT n FROM a" },
		{ "WITH \"select\" AS (SELECT 1) ", "SELECT 2" },
		{ "WITH \"a\"\"select\" AS (SELECT 1) ", "SELECT 2" },
		{ "WITH a AS (SELECT 'it''s (') ", "SELECT 2" },
		{ "WITH a AS (SELECT E'\\' (') ", "SELECT 2" },
		{ "WITH a AS (SELECT e'\\\\') ", "SELECT 2" },
		{ "WITH a AS (SELECT '\\') ", "SELECT 2" },
		{ "WITH a AS (SELECT U&'\\0041(') ", "SELECT 2" },
		{ "WITH a AS (SELECT $$($$, $x$ $$ ( $x$, $1) ", "SELECT 2" },
		{ "WITH a AS (SELECT ARRAY[1], 1 -- ) SELECT\n) ", "SELECT 2" },
		{ "WITH a AS /* ( /* SELECT */ ( */ (SELECT 1) ", "SELECT 2" },
		{ "WITH a$1 AS (SELECT 1), selection AS (SELECT 1) ", "SELECT 2" },
		{ "WITH ä AS (SELECT 1) ", "SELECT 2" },
		{ "WITH a AS (SELECT 1 ; ) ", "SELECT 2" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *text = wrapped(
		    *state, mem_printf(*state, "%s%s", rows[i].before, rows[i].main), 0);
		const char *expected = mem_printf(
		    *state, "%s%snp_work AS (%s\n), np_stored AS (" KEEP ") SELECT * FROM np_work",
		    *rows[i].before ? rows[i].before : "WITH ", *rows[i].before ? ", " : "",
		    rows[i].main);

		assert_non_null(text);
		assert_string_equal(text, expected);
	}
}

static void
what_returns_no_rows_or_is_not_one_statement_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"   ",
		"INSERT INTO a VALUES (1)",
		"INSERT INTO a VALUES ('RETURNING')",
		"INSERT INTO a SELECT (SELECT 1 AS returning)",
		"WITH a AS (INSERT INTO b VALUES (1) RETURNING 1) INSERT INTO c SELECT * FROM a",
		"WITH a AS (SELECT 1)",
		"WITH a AS (SELECT 1",
		"SELECT 1;",
		"SELECT 1; SELECT 2",
		"MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE",
		"VALUES (1)",
		"TRUNCATE a",
		"CALL a()",
		"(SELECT 1)",
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (wrapped(*state, rows[i], 0))
			fail_msg("wrapped: %s", rows[i]);
}

static void
what_does_not_end_is_walked_to_its_end(void **state)
{
	static const char *const rows[] = { "SELECT '",     "SELECT \"a",         "SELECT E'\\",
		                            "SELECT $a$ $", "SELECT /* a",        "SELECT $",
		                            "SELECT $a",    "WITH a AS (SELECT '" };

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		(void)wrapped(*state, rows[i], 0);
}

static void
what_is_too_long_is_refused(void **state)
{
	struct buf out;

	buf_init(&out, *state, 40);
	assert_false(keep_rows_sql(&out, "SELECT 1", 0, KEEP));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_statement_is_put_into_a_with),
		TEST(a_dollar_that_is_no_parameter_stays),
		TEST(one_with_a_with_keeps_it),
		TEST(the_main_statement_is_found),
		TEST(what_returns_no_rows_or_is_not_one_statement_is_refused),
		TEST(what_does_not_end_is_walked_to_its_end),
		TEST(what_is_too_long_is_refused),
	};

	return cmocka_run_group_tests_name("wrap", tests, NULL, NULL);
}
