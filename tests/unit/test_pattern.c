#include "http/pattern.h"

#include "base/mem.h"
#include "http/param_check.h"
#include "unit.h"

static const struct fault_row {
	const char *about, *pattern;
	const char *says; /* NULL: nothing is wrong */
} fault_rows[] = {
	{ "digits", "[0-9]{5}", NULL },
	{ "nothing", "", NULL },
	{ "alternatives", "a|b|", NULL },
	{ "groups", "((a)(b(c)))*", NULL },
	{ "an escaped parenthesis", "\\)\\(", NULL },
	{ "parentheses in brackets", "[()]+[])]*[^]()]", NULL },
	{ "a class with a bracket after it", "[[:alpha:])\\1]x", NULL },
	{ "a collating element", "[[.-.])][[=a=])]", NULL },
	{ "an escaped digit in brackets", "[\\1]", NULL },
	{ "an escaped backslash before a digit", "(a)\\\\1", NULL },
	{ "an escaped zero", "a\\0", NULL },
	{ "the maximum of copies", "[a-z]{1000}", NULL },
	{ "the maximum of copies on two levels", "([a-z]{3}){249}", NULL },
	{ "a brace in brackets", "[{]999999[}]", NULL },

	{ "a group that does not end", "(a", "not an extended regular expression" },
	{ "a bracket that does not end", "[a", "not an extended regular expression" },
	{ "a bracket that ends in a class", "[[:alpha:", "not an extended regular expression" },
	{ "a repetition of nothing", "*a", "not an extended regular expression" },
	{ "a backslash at the end", "a\\", "not an extended regular expression" },
	{ "bounds in reverse order", "a{3,2}", "not an extended regular expression" },
	{ "a back-reference", "(a)\\1", "back-reference" },
	{ "the ninth back-reference", "(a)\\9", "back-reference" },
	{ "a back-reference after an escaped backslash", "(a)\\\\\\1", "back-reference" },
	{ "a back-reference after brackets", "([])])\\1", "back-reference" },
	{ "an unmatched )", "a)b", "unmatched )" },
	{ "parentheses that would match those around it", "a)|(b", "unmatched )" },
	{ "one copy too many", "[a-z]{1001}", "repeats too much" },
	{ "no upper bound", "[a-z]{1000,}", "repeats too much" },
	{ "no lower bound", "[a-z]{,1001}", "repeats too much" },
	{ "copies of copies", "((a{11}){10}){10}", "repeats too much" },
	{ "copies of an alternative", "(aaaaaaaaaa|bbbbbbbbbb){50}", "repeats too much" },
	{ "copies of nothing", "(()){999}", "repeats too much" },
	{ "copies of a repetition", "(a*){501}", "repeats too much" },
	{ "one or more of one or more", "((((((((((a+)+)+)+)+)+)+)+)+)+)+", "repeats too much" },
	{ "nine plus signs", "a+++++++++", NULL },
	{ "ten plus signs", "a++++++++++", "repeats too much" },
	{ "a number beyond 64 bits", "a{99999999999999999999999}", "repeats too much" },
};

static void
only_expressions_of_bounded_cost_are_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(fault_rows); i++) {
		const struct fault_row *row = &fault_rows[i];
		const char *fault = pattern_compile(row->pattern);

		if (!row->says && fault)
			fail_msg("%s: %s", row->about, fault);
		if (row->says)
			row_true(row, fault && strstr(fault, row->says));
	}
}

static void
a_pattern_has_a_maximum_of_bytes_and_of_levels(void **state)
{
	char long_one[PATTERN_MAX_BYTES + 2], deep[100];

	(void)state;
	memset(long_one, 'a', sizeof(long_one));
	long_one[PATTERN_MAX_BYTES] = '\0';
	assert_null(pattern_compile(long_one));
	long_one[PATTERN_MAX_BYTES] = 'a';
	long_one[PATTERN_MAX_BYTES + 1] = '\0';
	assert_non_null(strstr(pattern_compile(long_one), "1,000 bytes"));
	memset(deep, '(', 33);
	memset(deep + 33, ')', 33);
	deep[66] = '\0';
	assert_non_null(strstr(pattern_compile(deep), "nested too deeply"));
	deep[65] = '\0';
	assert_null(pattern_compile(deep + 1));
}

static void
all_of_a_text_has_to_match(void **state)
{
	static const struct {
		const char *about, *pattern, *text;
		bool matches;
	} rows[] = {
		{ "all", "[0-9]{5}", "12345", true },
		{ "more before it", "[0-9]{5}", "x12345", false },
		{ "more after it", "[0-9]{5}", "12345x", false },
		{ "less", "[0-9]{5}", "1234", false },
		{ "the first alternative", "a|bc", "a", true },
		{ "the second alternative", "a|bc", "bc", true },
		{ "the longer alternative", "a|ab", "ab", true },
		{ "an alternative and more", "a|bc", "abc", false },
		{ "anchors of its own", "^a$", "a", true },
		{ "a line feed after it", "[a-z]+", "a\n", false },
		{ "a match in a line of its own", "[a-z]+", "1\na\n2", false },
		{ "nothing", "", "", true },
		{ "something", "", "a", false },
		{ "an invalid expression", "(", "(", false },
	};

	(void)state;
	for (int again = 0; again < 2; again++)
		for (size_t i = 0; i < COUNT_OF(rows); i++)
			row_int(&rows[i], pattern_matches(rows[i].pattern, rows[i].text),
			        rows[i].matches);
}

/* Each text adds states to the automaton, which is rebuilt before it has too many. */
static void
an_automaton_does_not_grow_without_end(void **state)
{
	char text[1001];
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 100; i++) {
		for (size_t j = 0; j < sizeof(text) - 1; j++) {
			random = random * 1664525 + 1013904223;
			text[j] = random >> 31 ? 'a' : 'b';
		}
		text[sizeof(text) - 1] = '\0';
		text[sizeof(text) - 14] = 'a';
		assert_true(pattern_matches("(a|b)*a(a|b){12}", text));
		text[sizeof(text) - 14] = 'b';
		assert_false(pattern_matches("(a|b)*a(a|b){12}", text));
	}
}

/* The length is checked first, so a value of a megabyte never reaches the expression. */
static void
a_long_value_is_refused_by_its_length(void **state)
{
	static const struct np_param param = {
		.name = "x", .type = NP_TYPE_STRING, .max = 100, .pattern = "[a-z]+-[0-9]+"
	};
	char *text = mem_array(*state, char, (1 << 20) + 1);
	struct argument argument;

	memset(text, 'a', 1 << 20);
	assert_string_equal(param_check(*state, &param, text, &argument),
	                    "must have 0 to 100 characters");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_expressions_of_bounded_cost_are_accepted),
		TEST(a_pattern_has_a_maximum_of_bytes_and_of_levels),
		TEST(all_of_a_text_has_to_match),
		TEST(an_automaton_does_not_grow_without_end),
		TEST(a_long_value_is_refused_by_its_length),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
