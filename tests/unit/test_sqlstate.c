#include "db/sqlstate.h"
#include "unit.h"

static const struct statement_row {
	const char *about;
	const char *code;
	enum failure kind;
	enum sqlstate_retry retry;
	bool pooler; /* the error names no function of the server */
	bool is_about_value;
	int status; /* that RAISE chose */
} statement_rows[] = {
	{ "no code: the connection was lost", "", FAILURE_UNAVAILABLE, RETRY_SOON },
	{ "connection failure", "08006", FAILURE_UNAVAILABLE, RETRY_SOON },
	{ "PgBouncer", "08P01", FAILURE_UNAVAILABLE, RETRY_NEVER, .pooler = true },
	{ "Supavisor", "XX000", FAILURE_UNAVAILABLE, RETRY_NEVER, .pooler = true },
	{ "wrong number of values", "08P01", FAILURE_INTERNAL, RETRY_NEVER },
	{ "lost by a pooler", "08006", FAILURE_UNAVAILABLE, RETRY_SOON, .pooler = true },
	{ "value too long for its column", "22001", FAILURE_INVALID, RETRY_NEVER,
	  .is_about_value = true },
	{ "number out of range", "22003", FAILURE_INVALID, RETRY_NEVER, .is_about_value = true },
	{ "not a uuid", "22P02", FAILURE_INVALID, RETRY_NEVER, .is_about_value = true },
	{ "unique", "23505", FAILURE_CONFLICT, RETRY_NEVER },
	{ "foreign key", "23503", FAILURE_CONFLICT, RETRY_NEVER },
	{ "exclusion", "23P01", FAILURE_CONFLICT, RETRY_NEVER },
	{ "not null", "23502", FAILURE_INVALID, RETRY_NEVER },
	{ "check", "23514", FAILURE_INVALID, RETRY_NEVER },
	{ "read-only server", "25006", FAILURE_UNAVAILABLE, RETRY_NEVER },
	{ "transaction idle for too long", "25P03", FAILURE_TIMEOUT, RETRY_NEVER },
	{ "statement in a failed transaction", "25P02", FAILURE_INTERNAL, RETRY_NEVER },
	{ "serialization failure", "40001", FAILURE_CONFLICT, RETRY_RERUN },
	{ "deadlock", "40P01", FAILURE_CONFLICT, RETRY_RERUN },
	{ "syntax error", "42601", FAILURE_INTERNAL, RETRY_NEVER },
	{ "no such table", "42P01", FAILURE_INTERNAL, RETRY_NEVER },
	{ "no privilege", "42501", FAILURE_FORBIDDEN, RETRY_NEVER },
	{ "too many connections", "53300", FAILURE_UNAVAILABLE, RETRY_LATE },
	{ "disk full", "53100", FAILURE_UNAVAILABLE, RETRY_LATE },
	{ "lock timeout", "55P03", FAILURE_UNAVAILABLE, RETRY_NEVER },
	{ "statement timeout", "57014", FAILURE_TIMEOUT, RETRY_NEVER },
	{ "server is shutting down", "57P01", FAILURE_UNAVAILABLE, RETRY_SOON },
	{ "server crashed", "57P02", FAILURE_UNAVAILABLE, RETRY_SOON },
	{ "server is starting", "57P03", FAILURE_UNAVAILABLE, RETRY_SOON },
	{ "the server's disk", "58030", FAILURE_UNAVAILABLE, RETRY_NEVER },
	{ "raised by a function", "P0001", FAILURE_INVALID, RETRY_NEVER },
	{ "a raised 400", "PT400", FAILURE_MALFORMED, RETRY_NEVER, .status = 400 },
	{ "a raised 401", "PT401", FAILURE_UNAUTHORIZED, RETRY_NEVER, .status = 401 },
	{ "a raised 403", "PT403", FAILURE_FORBIDDEN, RETRY_NEVER, .status = 403 },
	{ "a raised 404", "PT404", FAILURE_NOT_FOUND, RETRY_NEVER, .status = 404 },
	{ "a raised 402", "PT402", FAILURE_INVALID, RETRY_NEVER, .status = 402 },
	{ "a raised 429", "PT429", FAILURE_INVALID, RETRY_NEVER, .status = 429 },
	{ "a raised 499", "PT499", FAILURE_INVALID, RETRY_NEVER, .status = 499 },
	{ "a raised 500 is refused", "PT500", FAILURE_INTERNAL, RETRY_NEVER },
	{ "a raised 200 is refused", "PT200", FAILURE_INTERNAL, RETRY_NEVER },
	{ "PT without digits", "PT4XX", FAILURE_INTERNAL, RETRY_NEVER },
	{ "PT that is too short", "PT4", FAILURE_INTERNAL, RETRY_NEVER },
	/* Appendix A, class by class. */
	{ "no data", "02000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "statement not yet complete", "03000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "triggered action", "09000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "not supported", "0A000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "transaction initiation", "0B000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "locator", "0F000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "grantor", "0L000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "role", "0P000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "diagnostics", "0Z000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "case not found", "20000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "several rows of a subquery", "21000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "division by zero", "22012", FAILURE_INVALID, RETRY_NEVER, .is_about_value = true },
	{ "integrity", "23000", FAILURE_INVALID, RETRY_NEVER },
	{ "restrict", "23001", FAILURE_CONFLICT, RETRY_NEVER },
	{ "cursor state", "24000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "transaction state", "25001", FAILURE_INTERNAL, RETRY_NEVER },
	{ "transaction took too long", "25P04", FAILURE_TIMEOUT, RETRY_NEVER },
	{ "statement name", "26000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "data change by a trigger", "27000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "authorization", "28000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "dependent privileges", "2B000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "transaction termination", "2D000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "routine", "2F005", FAILURE_INTERNAL, RETRY_NEVER },
	{ "cursor name", "34000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "external routine", "38000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "external invocation", "39000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "savepoint", "3B001", FAILURE_INTERNAL, RETRY_NEVER },
	{ "database", "3D000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "schema", "3F000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "rollback", "40000", FAILURE_CONFLICT, RETRY_RERUN },
	{ "rollback by a constraint", "40002", FAILURE_CONFLICT, RETRY_NEVER },
	{ "completion unknown", "40003", FAILURE_UNAVAILABLE, RETRY_NEVER },
	{ "check option of a view", "44000", FAILURE_INVALID, RETRY_NEVER },
	{ "out of memory", "53200", FAILURE_UNAVAILABLE, RETRY_LATE },
	{ "program limit", "54000", FAILURE_INVALID, RETRY_NEVER, .is_about_value = true },
	{ "too complex", "54001", FAILURE_INVALID, RETRY_NEVER, .is_about_value = true },
	{ "prerequisite state", "55000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "object in use", "55006", FAILURE_UNAVAILABLE, RETRY_NEVER },
	{ "parameter that cannot be changed now", "55P02", FAILURE_INTERNAL, RETRY_NEVER },
	{ "enum value not yet committed", "55P04", FAILURE_INTERNAL, RETRY_NEVER },
	{ "operator intervention", "57000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "database dropped", "57P04", FAILURE_UNAVAILABLE, RETRY_SOON },
	{ "session idle for too long", "57P05", FAILURE_UNAVAILABLE, RETRY_SOON },
	{ "a server's file", "58P01", FAILURE_UNAVAILABLE, RETRY_NEVER },
	{ "snapshot too old", "72000", FAILURE_UNAVAILABLE, RETRY_NEVER },
	{ "configuration file", "F0000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "foreign data", "HV000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "foreign server away", "HV00N", FAILURE_UNAVAILABLE, RETRY_NEVER },
	{ "PL/pgSQL", "P0000", FAILURE_INTERNAL, RETRY_NEVER },
	{ "STRICT found none", "P0002", FAILURE_INTERNAL, RETRY_NEVER },
	{ "STRICT found several", "P0003", FAILURE_INTERNAL, RETRY_NEVER },
	{ "ASSERT", "P0004", FAILURE_INTERNAL, RETRY_NEVER },
	{ "data corrupted", "XX001", FAILURE_INTERNAL, RETRY_NEVER },
	{ "internal error", "XX000", FAILURE_INTERNAL, RETRY_NEVER },
};

static void
each_code_of_a_statement_has_its_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(statement_rows); i++) {
		const struct statement_row *row = &statement_rows[i];
		struct sqlstate_meaning meaning = sqlstate_of_statement(row->code, !row->pooler);

		row_int(row, meaning.kind, row->kind);
		row_int(row, meaning.retry, row->retry);
		row_true(row, meaning.message && meaning.message[0]);
		row_true(row, meaning.is_about_value == row->is_about_value);
		row_int(row, meaning.status, row->status);
		row_true(row,
		         meaning.is_raised == (row->status > 0 || strcmp(row->code, "P0001") == 0));
	}
}

static const struct connect_row {
	const char *about;
	const char *code, *text;
	enum sqlstate_retry retry;
} connect_rows[] = {
	{ "refused", "", "connection to server at \"h\", port 5432 failed: Connection refused",
	  RETRY_SOON },
	{ "closed", "", "SSL connection has been closed unexpectedly", RETRY_SOON },
	{ "wrong password", "28P01", "FATAL:  28P01: password authentication failed for user \"u\"",
	  RETRY_NEVER },
	{ "pg_hba.conf", "28000", "FATAL:  28000: no pg_hba.conf entry", RETRY_NEVER },
	{ "no such database", "3D000", "FATAL:  3D000: database \"d\" does not exist",
	  RETRY_NEVER },
	{ "unknown parameter", "42704", "FATAL:  42704: unrecognized configuration parameter",
	  RETRY_NEVER },
	{ "too many connections", "53300", "FATAL:  53300: sorry, too many clients already",
	  RETRY_LATE },
	{ "starting", "57P03", "FATAL:  57P03: the database system is starting up", RETRY_SOON },
	{ "Neon: wrong password", "XX000",
	  "ERROR:  XX000: password authentication failed for user 'u'", RETRY_NEVER },
	{ "Neon: no code found", "", "ERROR:  password authentication failed for user 'u'",
	  RETRY_NEVER },
	{ "Neon: disabled", "XX000",
	  "ERROR:  XX000: The endpoint is disabled. Enable it and retry.", RETRY_NEVER },
	{ "Neon: quota", "XX000", "ERROR:  XX000: Your account exceeded the compute time quota.",
	  RETRY_NEVER },
	{ "Neon: waking", "XX000", "ERROR:  XX000: Couldn't connect to compute node", RETRY_LATE },
	{ "Neon: too many attempts", "XX000", "ERROR:  XX000: Too many connections attempts",
	  RETRY_LATE },
	{ "PgBouncer: wrong password", "08P01", "FATAL:  08P01: password authentication failed",
	  RETRY_NEVER },
	{ "certificate", "", "SSL error: certificate verify failed", RETRY_NEVER },
	{ "no TLS there", "", "server does not support SSL, but SSL was required", RETRY_NEVER },
	{ "anything else of a proxy", "XX000", "ERROR:  XX000: something new", RETRY_SOON },
};

static void
each_failure_to_connect_has_its_retry(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(connect_rows); i++) {
		const struct connect_row *row = &connect_rows[i];
		struct sqlstate_meaning meaning = sqlstate_of_connect(row->code, row->text);

		row_int(row, meaning.retry, row->retry);
		row_int(row, meaning.kind, FAILURE_UNAVAILABLE);
		row_true(row, meaning.message && meaning.message[0]);
	}
}

static const struct text_row {
	const char *about;
	const char *text;
	const char *code;
} text_rows[] = {
	{ "a server's",
	  "connection to server at \"h\" (192.0.2.1), port 5432 failed: FATAL:  28P01: password "
	  "authentication failed for user \"u\"\nLOCATION:  auth_failed, auth.c:335\n",
	  "28P01" },
	{ "with letters", "FATAL:  3D000: database \"d\" does not exist", "3D000" },
	{ "translated", "SCHWERWIEGEND:  57P03: das Datenbanksystem startet", "57P03" },
	{ "a proxy's", "ERROR:  XX000: endpoint is disabled", "XX000" },
	{ "not verbose", "FATAL:  password authentication failed", "" },
	{ "libpq's own",
	  "could not translate host name \"h\" to address: Name or service not known", "" },
	{ "in lower case", "FATAL:  3d000: database", "" },
	{ "six characters", "FATAL:  28P011: x", "" },
	{ "four characters", "FATAL:  28P0: x", "" },
	{ "no colon after it", "FATAL:  28P01 x", "" },
	{ "the text ends", "FATAL:  28P01", "" },
	{ "one space", "FATAL: 28P01: x", "" },
	{ "not the first of its form", "NOTICE:  look here\nFATAL:  53300: too many", "53300" },
	{ "empty", "", "" },
};

static void
the_code_is_found_in_a_verbose_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(text_rows); i++) {
		const struct text_row *row = &text_rows[i];
		char code[6] = "xxxxx";

		sqlstate_in_text(row->text, code);
		row_text(row, code, row->code);
	}
}

static void
an_error_shows_the_client_nothing_of_the_server(void **state)
{
	struct sqlstate_meaning meaning = sqlstate_of_statement("23505", true);
	struct error err;

	(void)state;
	sqlstate_error(&err, &meaning, "23505", "ERROR:  duplicate key: Key (email)=(a@b)\n\n");
	assert_int_equal(err.kind, FAILURE_CONFLICT);
	assert_string_equal(err.sqlstate, "23505");
	assert_string_equal(err.message, meaning.message);
	assert_null(strstr(err.message, "email"));
	assert_string_equal(err.detail, "ERROR:  duplicate key: Key (email)=(a@b)");
}

static void
an_error_without_a_code_or_text_is_filled_too(void **state)
{
	struct sqlstate_meaning meaning = sqlstate_of_statement("", false);
	struct error err;

	(void)state;
	sqlstate_error(&err, &meaning, "", "\n");
	assert_int_equal(err.kind, FAILURE_UNAVAILABLE);
	assert_string_equal(err.sqlstate, "");
	assert_string_equal(err.detail, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_code_of_a_statement_has_its_meaning),
		TEST(each_failure_to_connect_has_its_retry),
		TEST(the_code_is_found_in_a_verbose_message),
		TEST(an_error_shows_the_client_nothing_of_the_server),
		TEST(an_error_without_a_code_or_text_is_filled_too),
	};

	return cmocka_run_group_tests_name("sqlstate", tests, NULL, NULL);
}
