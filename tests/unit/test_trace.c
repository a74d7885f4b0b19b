#include "http/trace.h"
#include "unit.h"

#define ID   "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static void
a_trace_is_continued_by_a_span_of_its_own(void **state)
{
	char header[TRACE_HEADER_BYTES];
	struct trace trace, other;

	(void)state;
	trace_read("00-" ID "-" SPAN "-01", &trace);
	assert_string_equal(trace.id, ID);
	assert_string_equal(trace.parent, SPAN);
	assert_int_equal(strlen(trace.span), 16);
	assert_string_not_equal(trace.span, SPAN);
	trace_write(&trace, header);
	assert_string_equal(header, mem_printf(*state, "00-" ID "-%s-01", trace.span));
	trace_read("00-" ID "-" SPAN "-00", &other);
	assert_string_equal(other.flags, "00");
	assert_string_not_equal(other.span, trace.span);
}

static void
a_later_version_may_have_more(void **state)
{
	struct trace trace;

	(void)state;
	trace_read("cc-" ID "-" SPAN "-01", &trace);
	assert_string_equal(trace.id, ID);
	trace_read("cc-" ID "-" SPAN "-01-what-the-future-brings", &trace);
	assert_string_equal(trace.id, ID);
}

static void
a_new_trace_has_no_parent_and_is_sampled(void **state)
{
	char header[TRACE_HEADER_BYTES];
	struct trace trace, other, again;

	(void)state;
	trace_begin(&trace);
	trace_begin(&other);
	assert_string_equal(trace.parent, "");
	assert_true(trace_is_sampled(&trace));
	assert_string_not_equal(trace.id, other.id);
	trace_write(&trace, header);
	trace_read(header, &again);
	assert_string_equal(again.id, trace.id);
	assert_string_equal(again.parent, trace.span);
}

static void
the_last_bit_of_the_flags_means_sampled(void **state)
{
	struct trace trace;

	(void)state;
	trace_read("00-" ID "-" SPAN "-03", &trace);
	assert_true(trace_is_sampled(&trace));
	trace_read("00-" ID "-" SPAN "-02", &trace);
	assert_false(trace_is_sampled(&trace));
	trace_read(NULL, &trace);
	assert_false(trace_is_sampled(&trace));
}

static void
reserved_flags_are_not_passed_on(void **state)
{
	static const struct {
		const char *about, *header, *flags;
	} rows[] = {
		{ "all", "00-" ID "-" SPAN "-ff", "01" },
		{ "all but the first", "00-" ID "-" SPAN "-fe", "00" },
		{ "the second bit", "00-" ID "-" SPAN "-02", "00" },
		{ "the first and the second", "00-" ID "-" SPAN "-03", "01" },
		{ "of a later version", "cc-" ID "-" SPAN "-f1-more", "01" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char header[TRACE_HEADER_BYTES];
		struct trace trace;

		trace_read(rows[i].header, &trace);
		trace_write(&trace, header);
		row_true(&rows[i], strcmp(trace.flags, rows[i].flags) == 0);
		row_true(&rows[i], strcmp(header, mem_printf(*state, "00-" ID "-%s-%s", trace.span,
		                                             rows[i].flags))
		                       == 0);
	}
}

static void
an_invalid_header_makes_no_trace(void **state)
{
	static const char *const rows[] = {
		"",
		"00",
		"00-" ID,
		"00-" ID "-" SPAN,
		"00-" ID "-" SPAN "-",
		"00-" ID "-" SPAN "-0",
		"00-" ID "-" SPAN "-01-more",
		"00-" ID "-" SPAN "-0x",
		"00-" ID "-" SPAN "-01 ",
		"ff-" ID "-" SPAN "-01",
		"cc-" ID "-" SPAN "-01.more",
		"0-" ID "-" SPAN "-01",
		"00-00000000000000000000000000000000-" SPAN "-01",
		"00-" ID "-0000000000000000-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
		"00-4bf92f3577b34da6a3ce929d0e0e473-" SPAN "-01a",
		"00_" ID "_" SPAN "_01",
		"garbage",
	};
	struct trace trace;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		trace_read(rows[i], &trace);
		if (trace.id[0] || trace.span[0])
			fail_msg("made a trace: %s", rows[i]);
	}
	trace_read(NULL, &trace);
	assert_string_equal(trace.id, "");
}

static const struct sample_row {
	const char *about;
	const char *header;
	double probability;
	const char *flags;
} sample_rows[] = {
	{ "all", "00-ffffffffffffffffffffffffffffffff-00f067aa0ba902b7-00", 1, "01" },
	{ "none", "00-00000000000000010000000000000000-00f067aa0ba902b7-01", 0, "00" },
	{ "a half, below", "00-ffffffffffffffff7fffffffffffffff-00f067aa0ba902b7-00", 0.5, "01" },
	{ "a half, not below", "00-00000000000000008000000000000000-00f067aa0ba902b7-01", 0.5,
	  "00" },
	/* The bound of Python's TraceIdRatioBased(0.3) is 0x4ccccccccccccc00. */
	{ "below Python's bound", "00-00000000000000004cccccccccccc000-00f067aa0ba902b7-00", 0.3,
	  "01" },
	{ "above Python's bound", "00-00000000000000004ccccccccccd0000-00f067aa0ba902b7-00", 0.3,
	  "00" },
};

static void
the_id_of_a_trace_decides_whether_it_is_sampled(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(sample_rows); i++) {
		const struct sample_row *row = &sample_rows[i];
		struct trace trace;

		trace_read(row->header, &trace);
		trace_sample(&trace, row->probability);
		row_text(row, trace.flags, row->flags);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_id_of_a_trace_decides_whether_it_is_sampled),
		TEST(a_trace_is_continued_by_a_span_of_its_own),
		TEST(a_later_version_may_have_more),
		TEST(a_new_trace_has_no_parent_and_is_sampled),
		TEST(the_last_bit_of_the_flags_means_sampled),
		TEST(reserved_flags_are_not_passed_on),
		TEST(an_invalid_header_makes_no_trace),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
