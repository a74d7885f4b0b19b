/* target - a path and query, or a form: decoded once, with nothing in it that could later be read
 * differently */
#include "http/target.h"
#include "fuzz.h"

static void
check_segments(const struct target *target)
{
	HOLDS(target->segment_count <= TARGET_SEGMENTS_MAX);
	for (size_t i = 0; i < target->segment_count; i++) {
		const char *segment = target->segments[i];

		HOLDS(utf8_valid(segment, strlen(segment), NULL));
		HOLDS(!has_control(segment));
		HOLDS(strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0);
	}
}

static void
check_query(const struct target *target)
{
	HOLDS(target->query_count <= TARGET_QUERY_MAX);
	for (size_t i = 0; i < target->query_count; i++) {
		HOLDS(utf8_valid(target->query[i].name, strlen(target->query[i].name), NULL));
		HOLDS(utf8_valid(target->query[i].value, strlen(target->query[i].value), NULL));
	}
}

static void
same_query(const struct target *a, const struct target *b)
{
	HOLDS(a->query_count == b->query_count);
	for (size_t i = 0; i < a->query_count; i++) {
		HOLDS(same_text(a->query[i].name, b->query[i].name));
		HOLDS(same_text(a->query[i].value, b->query[i].value));
	}
}

/* Encoding the decoded parts gives the same target: they were decoded once and in full. */
static void
check_again(void *owner, const struct target *target)
{
	struct target again;
	struct error err;
	struct buf text;

	buf_init(&text, owner, 1 << 20);
	for (size_t i = 0; i < target->segment_count; i++) {
		buf_char(&text, '/');
		buf_percent(&text, target->segments[i], "");
	}
	if (target->segment_count == 0)
		buf_char(&text, '/');
	for (size_t i = 0; i < target->query_count; i++) {
		buf_char(&text, i == 0 ? '?' : '&');
		buf_percent(&text, target->query[i].name, "");
		buf_char(&text, '=');
		buf_percent(&text, target->query[i].value, "");
	}
	HOLDS(target_parse(owner, text.data, &again, &err));
	HOLDS(again.segment_count == target->segment_count);
	for (size_t i = 0; i < target->segment_count; i++)
		HOLDS(same_text(again.segments[i], target->segments[i]));
	same_query(target, &again);
}

/* A form is parsed as a query is, but its errors call it a form. */
static void
check_form(void *owner, const char *text)
{
	struct target form, query;
	struct error err, other;
	bool valid = target_parse_form(owner, text, &form, &err);

	HOLDS(target_parse(owner, mem_printf(owner, "/?%s", text), &query, &other) == valid);
	if (!valid) {
		check_error(&err, FAILURE_MALFORMED);
		HOLDS(strstr(err.message, "The form ") && !strstr(err.message, "The URL ")
		      && !strstr(err.message, "query"));
		return;
	}
	HOLDS(form.segment_count == 0);
	check_query(&form);
	same_query(&form, &query);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	const char *text = input_rest(owner, &in);
	struct target target;
	struct error err;

	if (target_parse(owner, text, &target, &err)) {
		HOLDS(*text == '/');
		check_segments(&target);
		check_query(&target);
		check_again(owner, &target);
	} else {
		check_error(&err, FAILURE_MALFORMED);
	}
	check_form(owner, text);
	mem_free(owner);
	return 0;
}
