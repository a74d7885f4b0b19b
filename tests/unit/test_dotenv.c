#include "base/buf.h"
#include "config/dotenv.h"
#include "unit.h"

static char *const nothing_set[] = { NULL };

/* A file with one entry, NAME. */
static const struct value_row {
	const char *about;
	const char *text;
	const char *value;
} value_rows[] = {
	{ "bare", "NAME=value\n", "value" },
	{ "without a line feed at the end", "NAME=value", "value" },
	{ "empty", "NAME=\n", "" },
	{ "blanks at the end of the file", "NAME=value\n \t", "value" },
	{ "only blanks", "NAME=  \t\n", "" },
	{ "blanks around", "  NAME =\t value \t\n", "value" },
	{ "blanks inside", "NAME=two words\n", "two words" },
	{ "export", "export NAME=value\n", "value" },
	{ "export and more blanks", "\texport \t NAME=value\n", "value" },
	{ "equals inside", "NAME=a=b==\n", "a=b==" },
	{ "a URL", "NAME=postgres://u:p%40@h:5432/d?ssl=require\n",
	  "postgres://u:p%40@h:5432/d?ssl=require" },
	{ "comment after white space", "NAME=value # a comment\n", "value" },
	{ "comment after a tab", "NAME=value\t# a comment\n", "value" },
	{ "# without space belongs to the value", "NAME=pass#word#\n", "pass#word#" },
	{ "# at the beginning belongs to the value too", "NAME=#word\n", "#word" },
	{ "comment in place of a value", "NAME= # a comment\n", "" },
	{ "quote inside", "NAME=it's\n", "it's" },
	{ "backslash in a bare value", "NAME=a\\nb\n", "a\\nb" },
	{ "dollar in a bare value", "NAME=pa$HOME$$$\n", "pa$HOME$$$" },
	{ "single quotes", "NAME='as $it \\n is # \"'\n", "as $it \\n is # \"" },
	{ "single quotes, no escape of one", "NAME='a\\'\n", "a\\" },
	{ "double quotes", "NAME=\"a 'b' # c\"\n", "a 'b' # c" },
	{ "dollar in double quotes", "NAME=\"$HOME $\"\n", "$HOME $" },
	{ "all escapes", "NAME=\"\\n\\r\\t\\\\\\\"\\$\"\n", "\n\r\t\\\"$" },
	{ "an unknown escape is literal", "NAME=\"a\\qb\"\n", "a\\qb" },
	{ "a backslash, then an n", "NAME=\"\\\\n\"\n", "\\n" },
	{ "empty quotes", "NAME=\"\"\n", "" },
	{ "blanks in quotes are kept", "NAME=\"  a  \"\n", "  a  " },
	{ "double quotes that span lines", "NAME=\"one\ntwo\n\"\n", "one\ntwo\n" },
	{ "comment after quotes", "NAME=\"a\" # b\n", "a" },
	{ "comment directly after quotes", "NAME='a'#b\n", "a" },
	{ "CRLF", "NAME=value\r\n", "value" },
	{ "CRLF after quotes", "NAME=\"value\"\r\n", "value" },
	{ "CRLF only", "NAME=\r\n", "" },
	{ "byte order mark", "\xef\xbb\xbfNAME=value\n", "value" },
	{ "UTF-8", "NAME=p\xc3\xa4ss\n", "p\xc3\xa4ss" },
	{ "after empty lines and comments", "\n\r\n  \n# NAME=no\n  # NAME=no\nNAME=value\n",
	  "value" },
	{ "after a name with underscores and digits", "_N_1=no\nNAME=value\n", "value" },
	{ "the last entry wins", "NAME=first\nNAME=second\n", "second" },
	{ "the last entry wins, even if empty", "NAME=first\nNAME=\n", "" },
};

static void
each_form_of_a_value_is_read(void **state)
{
	for (size_t i = 0; i < COUNT_OF(value_rows); i++) {
		const struct value_row *row = &value_rows[i];
		struct dotenv file;
		struct error err;

		row_true(row, dotenv_parse(*state, row->text, strlen(row->text), nothing_set, &file,
		                           &err));
		row_text(row, dotenv_get(&file, "NAME")->value, row->value);
	}
}

/* The cases of python-dotenv's own tests (test_dotenv_values_string_io, but with the precedence of
 * load_dotenv: the environment wins), and cases that it leaves open. */
static const struct reference_row {
	const char *about;
	const char *text;
	const char *value; /* of NAME */
	const char *variable;
	bool unresolved;
} reference_rows[] = {
	{ "of the environment", "NAME=${b}", "c", "b=c" },
	{ "without braces", "NAME=$b", "$b", "b=c" },
	{ "with an unused default", "NAME=${b:-d}", "c", "b=c" },
	{ "of the file", "b=c\nNAME=${b}", "c", "" },
	{ "not set", "NAME=${b}", "", "", true },
	{ "not set, and a default", "NAME=${b:-d}", "d", "" },
	{ "in double quotes", "NAME=\"${b}\"", "c", "b=c" },
	{ "in single quotes it is literal", "NAME='${b}'", "${b}", "b=c" },
	{ "text around", "NAME=x${b}y", "xcy", "b=c" },
	{ "of its own name, in the environment", "NAME=${NAME}", "b", "NAME=b" },
	{ "of its own name, not set", "NAME=${NAME}", "", "", true },
	{ "of its own name, with a default", "NAME=${NAME:-c}", "c", "" },
	{ "twice", "NAME=${b}${b}", "cc", "b=c" },
	{ "the environment wins over the file", "b=d\nNAME=${b}", "c", "b=c" },
	{ "the last entry above", "a=b\na=c\nNAME=${a}", "c", "" },
	{ "an entry below is not known yet", "NAME=${a}\na=b", "", "", true },
	{ "a replaced reference is not expanded again", "NAME=${b}", "${c}", "b=${c}" },
	{ "an empty variable counts as not set", "NAME=${b:-d}", "d", "b=" },
	{ "a default replaces an empty entry", "b=\nNAME=${b:-d}", "d", "" },
	{ "an empty entry is resolved", "b=\nNAME=x${b}", "x", "" },
	{ "an empty default", "NAME=x${b:-}y", "xy", "" },
	{ "a default with a dollar", "NAME=${b:-$c}", "$c", "" },
	{ "spaces in a default", "NAME=${b:-one two}", "one two", "" },
	{ "escaped in double quotes", "NAME=\"\\${b}\"", "${b}", "b=c" },
	{ "across lines", "NAME=\"one\n${b}\n\"", "one\nc\n", "b=c" },
	{ "not closed", "NAME=${b", "${b", "b=c" },
	{ "not closed within the quotes", "NAME=\"${b\"\nb=}", "${b", "b=c" },
	{ "not closed before the comment", "NAME=${b #}", "${b", "b=c" },
	{ "an empty name", "NAME=${}", "${}", "" },
	{ "an invalid name", "NAME=${1}${a-b}${a b}", "${1}${a-b}${a b}", "1=c" },
	{ "another operator", "NAME=${b:=d}${b:+d}", "${b:=d}${b:+d}", "b=c" },
};

static void
a_reference_is_replaced_by_its_variable(void **state)
{
	for (size_t i = 0; i < COUNT_OF(reference_rows); i++) {
		const struct reference_row *row = &reference_rows[i];
		char *environment[] = { mem_strdup(*state, row->variable), NULL };
		const struct dotenv_entry *entry;
		struct dotenv file;
		struct error err;

		row_true(row, dotenv_parse(*state, row->text, strlen(row->text), environment, &file,
		                           &err));
		entry = dotenv_get(&file, "NAME");
		row_text(row, entry->value, row->value);
		row_int(row, entry->unresolved, row->unresolved);
	}
}

static void
repeated_references_are_limited(void **state)
{
	struct buf text;
	struct dotenv file;
	struct error err;

	buf_init(&text, *state, DOTENV_MAX_BYTES);
	buf_text(&text, "A0=12345678\n");
	for (int i = 1; i < 20; i++)
		buf_printf(&text, "A%d=${A%d}${A%d}\n", i, i - 1, i - 1);
	assert_false(dotenv_parse(*state, text.data, text.size, nothing_set, &file, &err));
	assert_string_equal(err.message, "line 15: the value is too long");
}

/* Each row's text contains the canary, which no message may contain. */
#define CANARY "c4n4ry"
static const struct fault_row {
	const char *about;
	const char *text;
	const char *line;
} fault_rows[] = {
	{ "no equals", "A=1\n" CANARY "\n", "line 2:" },
	{ "no name", "=" CANARY "\n", "line 1:" },
	{ "a name that begins with a digit", "1" CANARY "=x\n", "line 1:" },
	{ "a name with a dash", "A=1\n\n# c\nA-B=" CANARY "\n", "line 4:" },
	{ "two words before the equals", "set A=" CANARY "\n", "line 1:" },
	{ "export without a value", "export " CANARY "\n", "line 1:" },
	{ "single quote not closed", "A=1\nB='" CANARY "\nC=2\n", "line 2:" },
	{ "double quote not closed", "A=\"" CANARY "\n\n\n", "line 1:" },
	{ "the quote that would close is escaped", "A=\"" CANARY "\\\"\n", "line 1:" },
	{ "text after the quote", "A=\"1\"" CANARY "\n", "line 1:" },
	{ "counts the lines of a value", "A=\"1\n2\n3\"\n" CANARY "\n", "line 4:" },
	{ "counts CRLF once", "A=1\r\nB=2\r\n" CANARY "\r\n", "line 3:" },
	{ "a YAML line", "password: " CANARY "\n", "line 1:" },
	{ "not UTF-8", "A=" CANARY "\xff\n", NULL },
};

static void
an_error_has_its_line_and_never_its_text(void **state)
{
	for (size_t i = 0; i < COUNT_OF(fault_rows); i++) {
		const struct fault_row *row = &fault_rows[i];
		struct dotenv file;
		struct error err;

		row_true(row, !dotenv_parse(*state, row->text, strlen(row->text), nothing_set,
		                            &file, &err));
		row_true(row, !strstr(err.message, CANARY) && !strstr(err.detail, CANARY));
		row_true(row, err.message[0] != '\0');
		if (row->line)
			row_true(row, strstr(err.message, row->line) != NULL);
	}
}

static void
nul_is_refused(void **state)
{
	static const char text[] = "A=1\nB=a\0b\n";
	struct dotenv file;
	struct error err;

	assert_false(dotenv_parse(*state, text, sizeof(text) - 1, nothing_set, &file, &err));
}

static void
an_absent_name_has_no_value(void **state)
{
	static const char text[] = "NAME=value\nNAMES=values\n";
	struct dotenv file;
	struct error err;

	assert_true(dotenv_parse(*state, text, strlen(text), nothing_set, &file, &err));
	assert_null(dotenv_get(&file, "NAM"));
	assert_null(dotenv_get(&file, "name"));
	assert_string_equal(dotenv_get(&file, "NAMES")->value, "values");
}

static void
a_variable_may_be_called_export(void **state)
{
	static const char text[] = "export=1\n";
	struct dotenv file;
	struct error err;

	assert_true(dotenv_parse(*state, text, strlen(text), nothing_set, &file, &err));
	assert_string_equal(dotenv_get(&file, "export")->value, "1");
}

static void
a_file_that_is_too_long_is_refused(void **state)
{
	char *text = mem_resize(*state, NULL, DOTENV_MAX_BYTES + 1);
	struct dotenv file;
	struct error err;

	memset(text, '\n', DOTENV_MAX_BYTES + 1);
	assert_true(dotenv_parse(*state, text, DOTENV_MAX_BYTES, nothing_set, &file, &err));
	assert_false(dotenv_parse(*state, text, DOTENV_MAX_BYTES + 1, nothing_set, &file, &err));
}

static void
a_value_may_fill_the_file(void **state)
{
	char *text = mem_resize(*state, NULL, DOTENV_MAX_BYTES);
	struct dotenv file;
	struct error err;

	memset(text, 'x', DOTENV_MAX_BYTES);
	memcpy(text, "A=\"", 3);
	text[DOTENV_MAX_BYTES - 1] = '"';
	assert_true(dotenv_parse(*state, text, DOTENV_MAX_BYTES, nothing_set, &file, &err));
	assert_int_equal(strlen(dotenv_get(&file, "A")->value), DOTENV_MAX_BYTES - 4);
}

static void
too_many_entries_are_refused(void **state)
{
	struct buf text;
	struct dotenv file;
	struct error err;

	buf_init(&text, *state, DOTENV_MAX_BYTES);
	for (int i = 0; i < DOTENV_MAX_ENTRIES; i++)
		buf_printf(&text, "A%d=%d\n", i, i);
	assert_true(dotenv_parse(*state, text.data, text.size, nothing_set, &file, &err));
	assert_int_equal(file.count, DOTENV_MAX_ENTRIES);
	buf_text(&text, "B=1\n");
	assert_false(dotenv_parse(*state, text.data, text.size, nothing_set, &file, &err));
	assert_non_null(strstr(err.message, "line 513:"));
}

/* The text need not end with a NUL, and bytes after its end are not read. */
static void
only_the_given_bytes_are_read(void **state)
{
	struct dotenv file;
	struct error err;

	assert_true(dotenv_parse(*state, "A=12", 3, nothing_set, &file, &err));
	assert_string_equal(dotenv_get(&file, "A")->value, "1");
	assert_true(dotenv_parse(*state, "A=\"1\"x", 5, nothing_set, &file, &err));
	assert_string_equal(dotenv_get(&file, "A")->value, "1");
}

static void
an_empty_file_has_no_entries(void **state)
{
	char *nothing = malloc(1);
	struct dotenv file;
	struct error err;

	assert_non_null(nothing);
	*nothing = '\xef';
	assert_true(dotenv_parse(*state, nothing + 1, 0, nothing_set, &file, &err));
	assert_int_equal(file.count, 0);
	free(nothing);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_form_of_a_value_is_read),
		TEST(a_reference_is_replaced_by_its_variable),
		TEST(repeated_references_are_limited),
		TEST(an_error_has_its_line_and_never_its_text),
		TEST(nul_is_refused),
		TEST(an_absent_name_has_no_value),
		TEST(a_variable_may_be_called_export),
		TEST(a_file_that_is_too_long_is_refused),
		TEST(a_value_may_fill_the_file),
		TEST(too_many_entries_are_refused),
		TEST(only_the_given_bytes_are_read),
		TEST(an_empty_file_has_no_entries),
	};

	return cmocka_run_group_tests_name("dotenv", tests, NULL, NULL);
}
