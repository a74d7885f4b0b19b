#include "base/buf.h"
#include "base/text.h"
#include "http/target.h"
#include "unit.h"

static const struct path_row {
	const char *about;
	const char *text;
	size_t count;
	const char *segments[4];
} path_rows[] = {
	{ "the root", "/", 0, { NULL } },
	{ "one", "/users", 1, { "users" } },
	{ "two", "/users/42", 2, { "users", "42" } },
	{ "slash at the end", "/users/", 2, { "users", "" } },
	{ "empty segment inside", "/a//b", 3, { "a", "", "b" } },
	{ "escaped slash stays in its segment", "/a%2Fb/c", 2, { "a/b", "c" } },
	{ "escaped question mark", "/a%3Fb=c", 1, { "a?b=c" } },
	{ "decoded once", "/%252e%252e", 1, { "%2e%2e" } },
	{ "UTF-8", "/%C3%A9", 1, { "\xc3\xa9" } },
	{ "plus is a plus", "/a+b", 1, { "a+b" } },
	{ "three dots are a name", "/.../.x", 2, { "...", ".x" } },
	{ "query of the root", "/?a=1", 0, { NULL } },
	{ "query is no path", "/a?b=/c", 1, { "a" } },
	{ "slash before the query", "/a/?b", 2, { "a", "" } },
};

static void
a_path_is_split_first_and_decoded_once(void **state)
{
	for (size_t i = 0; i < COUNT_OF(path_rows); i++) {
		const struct path_row *row = &path_rows[i];
		struct target target;
		struct error err;

		row_true(row, target_parse(*state, row->text, &target, &err));
		row_int(row, target.segment_count, row->count);
		for (size_t j = 0; j < row->count; j++)
			row_text(row, target.segments[j], row->segments[j]);
	}
}

static const struct query_row {
	const char *about;
	const char *text;
	size_t count;
	struct target_pair pairs[3];
} query_rows[] = {
	{ "none", "/a", 0, { { NULL } } },
	{ "question mark only", "/a?", 0, { { NULL } } },
	{ "one", "/a?b=c", 1, { { "b", "c" } } },
	{ "two, in order", "/a?b=1&a=2", 2, { { "b", "1" }, { "a", "2" } } },
	{ "the same name twice", "/a?b=1&b=2", 2, { { "b", "1" }, { "b", "2" } } },
	{ "no value", "/a?b=", 1, { { "b", "" } } },
	{ "no equals", "/a?b", 1, { { "b", "" } } },
	{ "no name", "/a?=c", 1, { { "", "c" } } },
	{ "equals in the value", "/a?b=c=d", 1, { { "b", "c=d" } } },
	{ "plus is a space", "/a?b+c=d+e", 1, { { "b c", "d e" } } },
	{ "escaped plus and ampersand", "/a?b=%2B%26", 1, { { "b", "+&" } } },
	{ "decoded once", "/a?b=%2541", 1, { { "b", "%41" } } },
	{ "line feed", "/a?b=%0A", 1, { { "b", "\n" } } },
	{ "UTF-8", "/a?n=%E2%82%AC", 1, { { "n", "\xe2\x82\xac" } } },
	{ "second question mark", "/a?b=?", 1, { { "b", "?" } } },
	{ "ampersands without pairs", "/a?&&b=1&", 1, { { "b", "1" } } },
};

static void
a_query_is_split_first_and_decoded_once(void **state)
{
	for (size_t i = 0; i < COUNT_OF(query_rows); i++) {
		const struct query_row *row = &query_rows[i];
		struct target target;
		struct error err;

		row_true(row, target_parse(*state, row->text, &target, &err));
		row_int(row, target.query_count, row->count);
		for (size_t j = 0; j < row->count; j++) {
			row_text(row, target.query[j].name, row->pairs[j].name);
			row_text(row, target.query[j].value, row->pairs[j].value);
		}
	}
}

static const struct fault_row {
	const char *about;
	const char *text;
} fault_rows[] = {
	{ "empty", "" },
	{ "no slash", "users" },
	{ "star", "*" },
	{ "absolute form", "http://h/users" },
	{ "dot", "/." },
	{ "dot segment", "/a/../b" },
	{ "dot segment at the end", "/a/.." },
	{ "escaped dot segment", "/%2e%2e/a" },
	{ "half-escaped dot segment", "/a/.%2E" },
	{ "broken escape in the path", "/a%4" },
	{ "broken escape in a name", "/a?%zz=1" },
	{ "broken escape in a value", "/a?b=%" },
	{ "escape across the question mark", "/a%4?1" },
	{ "NUL in the path", "/a%00b" },
	{ "NUL in a name", "/a?b%00=c" },
	{ "NUL in a value", "/a?b=%00" },
	{ "line feed in the path", "/a%0Ab" },
	{ "DEL in the path", "/%7F" },
	{ "raw control byte in the path", "/a\x01" },
	{ "not UTF-8 in the path", "/%FF" },
	{ "overlong slash", "/%C0%AF" },
	{ "surrogate in a value", "/a?b=%ED%A0%80" },
	{ "raw byte that is no UTF-8", "/a\xff" },
};

static void
an_unsafe_target_is_malformed(void **state)
{
	for (size_t i = 0; i < COUNT_OF(fault_rows); i++) {
		const struct fault_row *row = &fault_rows[i];
		struct target target;
		struct error err;

		row_true(row, !target_parse(*state, row->text, &target, &err));
		row_int(row, err.kind, FAILURE_MALFORMED);
		row_true(row, err.message[0] != '\0');
	}
}

/* first, then count times text */
static const char *
repeated(void *owner, const char *first, const char *text, size_t count)
{
	struct buf out;

	buf_init(&out, owner, 4096);
	buf_text(&out, first);
	for (size_t i = 0; i < count; i++)
		buf_text(&out, text);
	return out.data;
}

static void
parts_are_counted(void **state)
{
	struct target target;
	struct error err;

	assert_true(
	    target_parse(*state, repeated(*state, "", "/a", TARGET_SEGMENTS_MAX), &target, &err));
	assert_int_equal(target.segment_count, TARGET_SEGMENTS_MAX);
	assert_false(target_parse(*state, repeated(*state, "", "/a", TARGET_SEGMENTS_MAX + 1),
	                          &target, &err));
	assert_int_equal(err.kind, FAILURE_MALFORMED);
	assert_true(
	    target_parse(*state, repeated(*state, "/?", "a=1&", TARGET_QUERY_MAX), &target, &err));
	assert_int_equal(target.query_count, TARGET_QUERY_MAX);
	assert_false(target_parse(*state, repeated(*state, "/?", "a=1&", TARGET_QUERY_MAX + 1),
	                          &target, &err));
	assert_int_equal(err.kind, FAILURE_MALFORMED);
}

static void
an_error_in_a_form_is_reported_as_the_forms(void **state)
{
	static const struct {
		const char *about, *text, *says;
	} rows[] = {
		{ "a broken escape", "a=%zz", "The form has a % that" },
		{ "a broken escape in a name", "%z=1", "The form has a % that" },
		{ "a NUL", "a=%00", "The form contains %00" },
		{ "not UTF-8", "a=%ff", "The form is not UTF-8" },
		{ "too many", NULL, "The form has more than 64 fields" },
	};
	struct target target;
	struct error err;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *text = rows[i].text
		                       ? rows[i].text
		                       : repeated(*state, "", "a=1&", TARGET_QUERY_MAX + 1);

		row_true(&rows[i], !target_parse_form(*state, text, &target, &err));
		row_true(&rows[i], text_starts(err.message, rows[i].says));
		row_true(&rows[i],
		         !target_parse(*state, mem_printf(*state, "/?%s", text), &target, &err));
		row_true(&rows[i], !strstr(err.message, "form"));
	}
}

static void
a_slash_at_the_end_counts_as_a_segment(void **state)
{
	char *text = mem_printf(*state, "%s/", repeated(*state, "", "/a", TARGET_SEGMENTS_MAX));
	struct target target;
	struct error err;

	assert_false(target_parse(*state, text, &target, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_path_is_split_first_and_decoded_once),
		TEST(a_query_is_split_first_and_decoded_once),
		TEST(an_unsafe_target_is_malformed),
		TEST(parts_are_counted),
		TEST(an_error_in_a_form_is_reported_as_the_forms),
		TEST(a_slash_at_the_end_counts_as_a_segment),
	};

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
