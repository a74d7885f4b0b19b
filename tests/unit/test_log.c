#include <limits.h>

#include "base/buf.h"
#include "base/log.h"
#include "unit.h"

/* Redirects standard error to a file while a test runs. */
struct capture {
	int saved;
	FILE *file;
};

static void
capture_begin(struct capture *capture)
{
	capture->file = tmpfile();
	assert_non_null(capture->file);
	capture->saved = dup(STDERR_FILENO);
	assert_true(capture->saved >= 0);
	assert_int_equal(dup2(fileno(capture->file), STDERR_FILENO), STDERR_FILENO);
}

/* Restores standard error. Returns what was written, which belongs to owner. */
static char *
capture_end(struct capture *capture, void *owner)
{
	char *text = mem_resize(owner, NULL, 65536);
	size_t size;

	(void)dup2(capture->saved, STDERR_FILENO);
	(void)close(capture->saved);
	rewind(capture->file);
	size = fread(text, 1, 65535, capture->file);
	text[size] = '\0';
	(void)fclose(capture->file);
	return text;
}

/* Returns the only line in the text as JSON; fails if there is another. */
static struct json_object *
only_line(void *owner, char *text)
{
	size_t size = strlen(text);

	assert_true(size > 1 && size <= LOG_LINE_MAX);
	assert_ptr_equal(strchr(text, '\n'), text + size - 1);
	return unit_json(owner, text);
}

static struct json_object *
line_with(void *owner, const char *value)
{
	struct capture capture;
	struct log_line line;

	capture_begin(&capture);
	log_begin(&line, LOG_INFO, "test");
	log_string(&line, "value", value);
	log_int(&line, "after", 1);
	log_end(&line);
	return only_line(owner, capture_end(&capture, owner));
}

static char *
scrubbed(void *owner, const char *text)
{
	struct buf out;

	buf_init(&out, owner, 4096);
	log_scrub(&out, text);
	return out.data;
}

static char *
repeated(void *owner, char c, size_t size)
{
	char *text = mem_resize(owner, NULL, size + 1);

	memset(text, c, size);
	text[size] = '\0';
	return text;
}

static void
a_line_has_time_level_endpoint_pid_and_event(void **state)
{
	struct capture capture;
	struct json_object *line;

	capture_begin(&capture);
	log_plain(LOG_WARNING, "worker left");
	line = only_line(*state, capture_end(&capture, *state));
	assert_int_equal(strlen(unit_at(line, "/time")), 24);
	assert_string_equal(unit_at(line, "/level"), "warning");
	assert_string_equal(unit_at(line, "/endpoint"), "unit");
	assert_string_equal(unit_at(line, "/pid"), mem_printf(*state, "%d", (int)getpid()));
	assert_string_equal(unit_at(line, "/event"), "worker left");
	assert_null(unit_at(line, "/cut"));
}

static void
members_keep_their_types(void **state)
{
	struct capture capture;
	struct log_line line;
	struct json_object *read;

	capture_begin(&capture);
	log_begin(&line, LOG_INFO, "test");
	log_string(&line, "text", "a \"b\"");
	log_string(&line, "absent", NULL);
	log_int(&line, "least", INT64_MIN);
	log_bool(&line, "yes", true);
	log_bool(&line, "no", false);
	log_ms(&line, "took", 1234567);
	log_ms(&line, "little", 5);
	log_end(&line);
	read = only_line(*state, capture_end(&capture, *state));
	assert_string_equal(unit_at(read, "/text"), "a \"b\"");
	assert_null(unit_at(read, "/absent"));
	assert_string_equal(unit_at(read, "/least"), "-9223372036854775808");
	assert_string_equal(unit_at(read, "/yes"), "true");
	assert_string_equal(unit_at(read, "/no"), "false");
	assert_string_equal(unit_at(read, "/took"), "1234.567");
	assert_string_equal(unit_at(read, "/little"), "0.005");
}

static void
a_negative_time_is_valid_json(void **state)
{
	struct capture capture;
	struct log_line line;

	capture_begin(&capture);
	log_begin(&line, LOG_INFO, "test");
	log_ms(&line, "took", -1500);
	log_end(&line);
	assert_string_equal(unit_at(only_line(*state, capture_end(&capture, *state)), "/took"),
	                    "-1.500");
}

static void
each_event_is_a_line_of_its_own(void **state)
{
	struct capture capture;
	char *text;
	int lines = 0;

	capture_begin(&capture);
	log_plain(LOG_INFO, "one");
	log_printf(LOG_ERROR, "two", "with %s\nand a line feed", "a detail");
	log_plain(LOG_INFO, "three");
	text = capture_end(&capture, *state);
	for (char *end; (end = strchr(text, '\n')); text = end + 1, lines++) {
		*end = '\0';
		(void)unit_json(*state, text);
	}
	assert_int_equal(lines, 3);
	assert_string_equal(text, "");
}

static void
printf_fills_the_detail(void **state)
{
	struct capture capture;

	capture_begin(&capture);
	log_printf(LOG_INFO, "test", "port %d", 5432);
	assert_string_equal(unit_at(only_line(*state, capture_end(&capture, *state)), "/detail"),
	                    "port 5432");
}

static void
a_level_below_the_lowest_writes_nothing(void **state)
{
	struct capture capture;
	struct log_line line;

	log_setup("unit", LOG_WARNING);
	capture_begin(&capture);
	log_plain(LOG_INFO, "not wanted");
	log_begin(&line, LOG_DEBUG, "not wanted");
	log_string(&line, "value", "x");
	log_int(&line, "number", 1);
	log_bool(&line, "yes", true);
	log_ms(&line, "took", 1);
	log_end(&line);
	assert_false(log_wants(LOG_INFO));
	assert_true(log_wants(LOG_WARNING));
	log_setup("unit", LOG_INFO);
	assert_string_equal(capture_end(&capture, *state), "");
}

/* The format for people quotes only where needed. */
static void
a_line_of_text_is_names_and_values(void **state)
{
	struct capture capture;
	struct log_line line;
	char *text;

	log_set_format(LOG_TEXT);
	capture_begin(&capture);
	log_begin(&line, LOG_WARNING, "an event");
	log_string(&line, "route", "/users/{id}");
	log_string(&line, "words", "two \"words\"\x1b[0m");
	log_string(&line, "empty", "");
	log_string(&line, "equals", "a=b");
	log_int(&line, "number", -1);
	log_bool(&line, "yes", true);
	log_ms(&line, "took", 1500);
	log_end(&line);
	text = capture_end(&capture, *state);
	log_set_format(LOG_JSON);
	assert_string_equal(
	    strchr(text, 'Z') + 1,
	    mem_printf(*state,
	               " warning unit[%d] an event route=/users/{id} words=\"two"
	               " \\\"words\\\"\\u001b[0m\" empty=\"\" equals=\"a=b\" number=-1"
	               " yes=true took=1.500\n",
	               (int)getpid()));
}

static void
a_line_of_text_that_is_cut_says_so(void **state)
{
	struct capture capture;
	struct log_line line;
	char *text;

	log_set_format(LOG_TEXT);
	capture_begin(&capture);
	log_begin(&line, LOG_WARNING, "an event");
	for (int i = 0; i < 2000; i++)
		log_int(&line, "number", i);
	log_end(&line);
	text = capture_end(&capture, *state);
	log_set_format(LOG_JSON);
	assert_true(strlen(text) <= LOG_LINE_MAX);
	assert_string_equal(strrchr(text, ' '), " cut=true\n");
}

static void
levels_have_names(void **state)
{
	(void)state;
	for (int i = 0; i < LOG_LEVEL__MAX; i++)
		assert_non_null(log_level_names[i]);
	assert_null(log_level_names[LOG_LEVEL__MAX]);
}

static void
control_bytes_do_not_reach_a_terminal(void **state)
{
	struct capture capture;
	struct log_line line;
	char *text;

	capture_begin(&capture);
	log_begin(&line, LOG_INFO, "test");
	log_string(&line, "value", "a\nb\x1b[2J\x7f\xff\xe2\x80\xa8");
	log_end(&line);
	text = capture_end(&capture, *state);
	assert_non_null(strstr(text, "\"a\\nb\\u001b[2J\\u007f\xef\xbf\xbd\\u2028\""));
	(void)only_line(*state, text);
}

/* --- secrets; the log keeps them for the life of the process --- */

static void
a_secret_is_replaced_wherever_it_appears(void **state)
{
	log_secret("hunter2!");
	assert_string_equal(scrubbed(*state, "hunter2!"), "***");
	assert_string_equal(scrubbed(*state, "hunter2! and hunter2!hunter2!"), "*** and ******");
	assert_string_equal(scrubbed(*state, "hunter2 is none"), "hunter2 is none");
	assert_string_equal(unit_at(line_with(*state, "user:hunter2!@host"), "/value"),
	                    "user:***@host");
}

static void
a_secret_that_json_escapes_is_replaced(void **state)
{
	log_secret("quo\"te\\back\nline");
	assert_string_equal(unit_at(line_with(*state, "<quo\"te\\back\nline>"), "/value"), "<***>");
}

static void
of_two_secrets_with_the_same_beginning_the_longer_is_replaced(void **state)
{
	log_secret("prefix");
	log_secret("prefix-and-more");
	assert_string_equal(scrubbed(*state, "prefix-and-more"), "***");
	assert_string_equal(scrubbed(*state, "prefix-and-less"), "***-and-less");
}

static void
two_overlapping_secrets_are_replaced_whole(void **state)
{
	char *text;

	log_secret("abcdefgh");
	log_secret("efghijklmnop");
	text = scrubbed(*state, "<abcdefghijklmnop>");
	assert_null(strstr(text, "ijkl"));
	assert_null(strstr(text, "mnop"));
	assert_int_equal(text[0], '<');
	assert_int_equal(text[strlen(text) - 1], '>');
}

static void
a_secret_under_4_bytes_is_ignored(void **state)
{
	log_secret("abc");
	log_secret("");
	log_secret(NULL);
	assert_string_equal(scrubbed(*state, "abc"), "abc");
	log_secret("wxyz");
	assert_string_equal(scrubbed(*state, "wxyz"), "***");
}

static void
a_secret_is_replaced_in_a_detail(void **state)
{
	struct capture capture;

	log_secret("hunter2!");
	capture_begin(&capture);
	log_printf(LOG_INFO, "test", "password %s", "hunter2!");
	assert_string_equal(unit_at(only_line(*state, capture_end(&capture, *state)), "/detail"),
	                    "password ***");
}

/* Whatever the length of a detail, it must not be cut inside of a secret. */
static void
a_cut_detail_shows_no_part_of_a_secret(void **state)
{
	static const char secret[] = "straddling-secret";

	log_secret(secret);
	for (size_t before = 4070; before < 4100; before++) {
		struct capture capture;

		capture_begin(&capture);
		log_printf(LOG_INFO, "test", "%s%s", repeated(*state, '.', before), secret);
		assert_null(strstr(capture_end(&capture, *state), "stra"));
	}
}

static void
the_beginning_of_a_secret_at_the_end_of_a_cut_text_is_replaced(void **state)
{
	static const struct {
		const char *end, *clean;
	} rows[] = { { "hunter2", "***" }, { "hunt", "***" }, { "hun", "hun" } };
	char *before = repeated(*state, '.', 63);

	log_secret("hunter2!");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(
		    scrubbed(*state, mem_printf(*state, "%s%s", before, rows[i].end)),
		    mem_printf(*state, "%s%s", before, rows[i].clean));
}

/* The log once showed ENV as ***, because a password began with the same word. */
static void
a_short_text_that_begins_a_secret_is_not_replaced(void **state)
{
	log_secret("development-app");
	assert_string_equal(unit_at(line_with(*state, "development"), "/value"), "development");
	assert_string_equal(unit_at(line_with(*state, "development-app"), "/value"), "***");
}

static void
forty_secrets_are_replaced(void **state)
{
	static char secrets[40][16];

	for (size_t i = 0; i < COUNT_OF(secrets); i++) {
		(void)snprintf(secrets[i], sizeof(secrets[i]), "secret-%02zu-end", i);
		log_secret(secrets[i]);
	}
	for (size_t i = 0; i < COUNT_OF(secrets); i++)
		assert_string_equal(scrubbed(*state, secrets[i]), "***");
}

/* --- length --- */

static void
a_member_that_does_not_fit_is_left_out_and_the_line_says_so(void **state)
{
	struct json_object *line = line_with(*state,
	                                     repeated(*state, 'x', 3 * (size_t)LOG_LINE_MAX));

	assert_null(unit_at(line, "/value"));
	assert_string_equal(unit_at(line, "/cut"), "true");
	assert_string_equal(unit_at(line, "/after"), "1");
	assert_string_equal(unit_at(line, "/event"), "test");
}

/* Covers the lengths around that of the longest uncut line. */
static void
every_line_near_the_maximum_is_valid_json(void **state)
{
	size_t longest = 0;

	for (size_t size = LOG_LINE_MAX - 250; size < LOG_LINE_MAX + 10; size++) {
		struct json_object *line = line_with(*state, repeated(*state, 'x', size));

		assert_int_equal(!unit_at(line, "/value") || !unit_at(line, "/after"),
		                 unit_at(line, "/cut") != NULL);
		longest = unit_at(line, "/value") ? size : longest;
	}
	assert_true(longest >= LOG_LINE_MAX - 250 && longest <= LOG_LINE_MAX);
}

static void
escapes_count_for_the_length(void **state)
{
	struct json_object *line = line_with(*state, repeated(*state, '\x01', LOG_LINE_MAX / 3));

	assert_null(unit_at(line, "/value"));
	assert_string_equal(unit_at(line, "/cut"), "true");
}

static void
many_members_are_left_out_one_by_one(void **state)
{
	struct capture capture;
	struct log_line line;
	struct json_object *read;

	capture_begin(&capture);
	log_begin(&line, LOG_INFO, "test");
	for (int i = 0; i < 2000; i++)
		log_int(&line, "number", i);
	for (int i = 0; i < 2000; i++)
		log_bool(&line, "yes", true);
	for (int i = 0; i < 2000; i++)
		log_ms(&line, "took", i);
	log_end(&line);
	read = only_line(*state, capture_end(&capture, *state));
	assert_string_equal(unit_at(read, "/cut"), "true");
}

static void
a_limit_allows_an_event_once_a_minute(void **state)
{
	struct log_limit limit = { .next_us = 0 };

	(void)state;
	assert_true(log_limit_allows(&limit));
	assert_false(log_limit_allows(&limit));
	limit.next_us -= 61 * INT64_C(1000000);
	assert_true(log_limit_allows(&limit));
}

static void
use_up_memory(void *file)
{
	(void)dup2(fileno(file), STDERR_FILENO);
	mem_exhausted();
}

static void
out_of_memory_is_logged_and_ends_the_process_with_70(void **state)
{
	FILE *file = tmpfile();
	char text[512];
	struct json_object *read;

	assert_non_null(file);
	assert_int_equal(unit_end_of(use_up_memory, file), 70);
	rewind(file);
	assert_non_null(fgets(text, sizeof(text), file));
	(void)fclose(file);
	read = only_line(*state, text);
	assert_string_equal(unit_at(read, "/event"), "out of memory");
	assert_string_equal(unit_at(read, "/level"), "error");
	assert_string_equal(unit_at(read, "/endpoint"), "unit");
}

static int
name_the_endpoint(void **state)
{
	(void)state;
	log_setup("unit", LOG_INFO);
	log_set_format(LOG_JSON);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_has_time_level_endpoint_pid_and_event),
		TEST(members_keep_their_types),
		TEST(a_negative_time_is_valid_json),
		TEST(each_event_is_a_line_of_its_own),
		TEST(printf_fills_the_detail),
		TEST(a_level_below_the_lowest_writes_nothing),
		TEST(a_line_of_text_is_names_and_values),
		TEST(a_line_of_text_that_is_cut_says_so),
		TEST(levels_have_names),
		TEST(a_limit_allows_an_event_once_a_minute),
		TEST(out_of_memory_is_logged_and_ends_the_process_with_70),
		TEST(control_bytes_do_not_reach_a_terminal),
		TEST(a_secret_is_replaced_wherever_it_appears),
		TEST(a_secret_that_json_escapes_is_replaced),
		TEST(of_two_secrets_with_the_same_beginning_the_longer_is_replaced),
		TEST(two_overlapping_secrets_are_replaced_whole),
		TEST(a_secret_under_4_bytes_is_ignored),
		TEST(a_secret_is_replaced_in_a_detail),
		TEST(the_beginning_of_a_secret_at_the_end_of_a_cut_text_is_replaced),
		TEST(a_short_text_that_begins_a_secret_is_not_replaced),
		TEST(a_cut_detail_shows_no_part_of_a_secret),
		TEST(a_member_that_does_not_fit_is_left_out_and_the_line_says_so),
		TEST(every_line_near_the_maximum_is_valid_json),
		TEST(escapes_count_for_the_length),
		TEST(many_members_are_left_out_one_by_one),
		TEST(forty_secrets_are_replaced), /* last, since the log keeps them */
	};

	return cmocka_run_group_tests_name("log", tests, name_the_endpoint, NULL);
}
