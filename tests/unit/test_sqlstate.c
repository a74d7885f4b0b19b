#include "db/sqlstate.h"
#include "unit.h"

static const struct statement_row {
	const char *about;
	const char *code;
	enum np_failure kind;
	enum sqlstate_retry retry;
} statement_rows[] = {
	{ "no code: the connection was lost", "", NP_UNAVAILABLE, RETRY_SOON },
	{ "connection failure", "08006", NP_UNAVAILABLE, RETRY_SOON },
	{ "PgBouncer", "08P01", NP_UNAVAILABLE, RETRY_NEVER },
	{ "value too long for its column", "22001", NP_INVALID, RETRY_NEVER },
	{ "number out of range", "22003", NP_INVALID, RETRY_NEVER },
	{ "not a uuid", "22P02", NP_INVALID, RETRY_NEVER },
	{ "unique", "23505", NP_CONFLICT, RETRY_NEVER },
	{ "foreign key", "23503", NP_CONFLICT, RETRY_NEVER },
	{ "exclusion", "23P01", NP_CONFLICT, RETRY_NEVER },
	{ "not null", "23502", NP_INVALID, RETRY_NEVER },
	{ "check", "23514", NP_INVALID, RETRY_NEVER },
	{ "read-only server", "25006", NP_UNAVAILABLE, RETRY_NEVER },
	{ "transaction idle for too long", "25P03", NP_TIMEOUT, RETRY_NEVER },
	{ "statement in a failed transaction", "25P02", NP_INTERNAL, RETRY_NEVER },
	{ "serialization failure", "40001", NP_CONFLICT, RETRY_RERUN },
	{ "deadlock", "40P01", NP_CONFLICT, RETRY_RERUN },
	{ "syntax error", "42601", NP_INTERNAL, RETRY_NEVER },
	{ "no such table", "42P01", NP_INTERNAL, RETRY_NEVER },
	{ "no privilege", "42501", NP_INTERNAL, RETRY_NEVER },
	{ "too many connections", "53300", NP_UNAVAILABLE, RETRY_LATE },
	{ "disk full", "53100", NP_UNAVAILABLE, RETRY_LATE },
	{ "lock timeout", "55P03", NP_UNAVAILABLE, RETRY_NEVER },
	{ "statement timeout", "57014", NP_TIMEOUT, RETRY_NEVER },
	{ "server is shutting down", "57P01", NP_UNAVAILABLE, RETRY_SOON },
	{ "server crashed", "57P02", NP_UNAVAILABLE, RETRY_SOON },
	{ "server is starting", "57P03", NP_UNAVAILABLE, RETRY_SOON },
	{ "the server's disk", "58030", NP_UNAVAILABLE, RETRY_NEVER },
	{ "raised by a function", "P0001", NP_INTERNAL, RETRY_NEVER },
	{ "internal error", "XX000", NP_INTERNAL, RETRY_NEVER },
};

static void
each_code_of_a_statement_has_its_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(statement_rows); i++) {
		const struct statement_row *row = &statement_rows[i];
		struct sqlstate_meaning meaning = sqlstate_of_statement(row->code);

		row_int(row, meaning.kind, row->kind);
		row_int(row, meaning.retry, row->retry);
		row_true(row, meaning.message && meaning.message[0]);
	}
}

static const struct connect_row {
	const char *about;
	const char *code, *text;
	enum sqlstate_retry retry;
} connect_rows[] = {
	{ "refused", "", "connection to server at \"h\", port 5432 failed: Connection refused", RETRY_SOON },
	{ "closed", "", "SSL connection has been closed unexpectedly", RETRY_SOON },
	{ "wrong password", "28P01", "FATAL:  28P01: password authentication failed for user \"u\"",
	  RETRY_NEVER },
	{ "pg_hba.conf", "28000", "FATAL:  28000: no pg_hba.conf entry", RETRY_NEVER },
	{ "no such database", "3D000", "FATAL:  3D000: database \"d\" does not exist", RETRY_NEVER },
	{ "unknown parameter", "42704", "FATAL:  42704: unrecognized configuration parameter", RETRY_NEVER },
	{ "too many connections", "53300", "FATAL:  53300: sorry, too many clients already", RETRY_LATE },
	{ "starting", "57P03", "FATAL:  57P03: the database system is starting up", RETRY_SOON },
	{ "Neon: wrong password", "XX000", "ERROR:  XX000: password authentication failed for user 'u'",
	  RETRY_NEVER },
	{ "Neon: no code found", "", "ERROR:  password authentication failed for user 'u'", RETRY_NEVER },
	{ "Neon: disabled", "XX000", "ERROR:  XX000: The endpoint is disabled. Enable it and retry.",
	  RETRY_NEVER },
	{ "Neon: quota", "XX000", "ERROR:  XX000: Your account exceeded the compute time quota.",
	  RETRY_NEVER },
	{ "Neon: waking", "XX000", "ERROR:  XX000: Couldn't connect to compute node", RETRY_LATE },
	{ "Neon: too many attempts", "XX000", "ERROR:  XX000: Too many connections attempts", RETRY_LATE },
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
		row_int(row, meaning.kind, NP_UNAVAILABLE);
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
	{ "of letters", "FATAL:  3D000: database \"d\" does not exist", "3D000" },
	{ "translated", "SCHWERWIEGEND:  57P03: das Datenbanksystem startet", "57P03" },
	{ "a proxy's", "ERROR:  XX000: endpoint is disabled", "XX000" },
	{ "not verbose", "FATAL:  password authentication failed", "" },
	{ "libpq's own", "could not translate host name \"h\" to address: Name or service not known", "" },
	{ "in lower case", "FATAL:  3d000: database", "" },
	{ "six characters", "FATAL:  28P011: x", "" },
	{ "four characters", "FATAL:  28P0: x", "" },
	{ "no colon behind it", "FATAL:  28P01 x", "" },
	{ "the text ends", "FATAL:  28P01", "" },
	{ "one space", "FATAL: 28P01: x", "" },
	{ "not the first of its form", "NOTICE:  look here\nFATAL:  53300: too many", "53300" },
	{ "empty", "", "" },
};

static void
the_code_is_found_in_a_verbose_text(void **state)
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
	struct sqlstate_meaning meaning = sqlstate_of_statement("23505");
	struct error err;

	(void)state;
	sqlstate_error(&err, &meaning, "23505", "ERROR:  duplicate key: Key (email)=(a@b)\n\n");
	assert_int_equal(err.kind, NP_CONFLICT);
	assert_string_equal(err.sqlstate, "23505");
	assert_string_equal(err.message, meaning.message);
	assert_null(strstr(err.message, "email"));
	assert_string_equal(err.detail, "ERROR:  duplicate key: Key (email)=(a@b)");
}

static void
an_error_without_a_code_or_text_is_one_too(void **state)
{
	struct sqlstate_meaning meaning = sqlstate_of_statement("");
	struct error err;

	(void)state;
	sqlstate_error(&err, &meaning, "", "\n");
	assert_int_equal(err.kind, NP_UNAVAILABLE);
	assert_string_equal(err.sqlstate, "");
	assert_string_equal(err.detail, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_code_of_a_statement_has_its_meaning),
		TEST(each_failure_to_connect_has_its_retry),
		TEST(the_code_is_found_in_a_verbose_text),
		TEST(an_error_shows_the_client_nothing_of_the_server),
		TEST(an_error_without_a_code_or_text_is_one_too),
	};

	return cmocka_run_group_tests_name("sqlstate", tests, NULL, NULL);
}
