#include "http/target.h"

#include "base/mem.h"
#include "base/text.h"

/* Where a text comes from, which decides what a + in it means. */
enum part { PATH, QUERY, FORM };

static const char *const part_names[] = { [PATH] = "URL", [QUERY] = "URL", [FORM] = "form" };

static bool
decode_text(void *owner, const char *text, size_t size, enum part part, const char **decoded,
            struct error *err)
{
	char *out = mem_resize(owner, NULL, size + 1);
	size_t length;

	switch (percent_decode(text, size, part != PATH, out, &length)) {
	case PERCENT_BROKEN:
		return error_set(err, FAILURE_MALFORMED,
		                 "The %s has a %% that is not followed by two hexadecimal digits",
		                 part_names[part]);
	case PERCENT_NUL:
		return error_set(err, FAILURE_MALFORMED, "The %s contains %%00", part_names[part]);
	case PERCENT_OK:
		break;
	}
	if (!utf8_valid(out, length, NULL))
		return error_set(err, FAILURE_MALFORMED, "The %s is not UTF-8", part_names[part]);
	*decoded = out;
	return true;
}

static bool
add_segment(void *owner, const char *text, size_t size, struct target *target, struct error *err)
{
	const char *segment;

	if (target->segment_count == TARGET_SEGMENTS_MAX)
		return error_set(err, FAILURE_MALFORMED, "The path has more than %d segments",
		                 TARGET_SEGMENTS_MAX);
	if (!decode_text(owner, text, size, PATH, &segment, err))
		return false;
	if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
		return error_set(err, FAILURE_MALFORMED, "The path has a dot segment");
	for (const char *at = segment; *at; at++)
		if (text_is_control(*at))
			return error_set(err, FAILURE_MALFORMED,
			                 "The path contains a control character");
	target->segments[target->segment_count++] = segment;
	return true;
}

static bool
add_pair(void *owner, const char *text, size_t size, enum part part, struct target *target,
         struct error *err)
{
	struct target_pair *pair = &target->query[target->query_count];
	const char *equals = memchr(text, '=', size);
	size_t name = equals ? (size_t)(equals - text) : size;

	if (size == 0)
		return true;
	if (target->query_count == TARGET_QUERY_MAX)
		return error_set(err, FAILURE_MALFORMED, "The %s has more than %d %s",
		                 part == FORM ? "form" : "query", TARGET_QUERY_MAX,
		                 part == FORM ? "fields" : "parameters");
	if (!decode_text(owner, text, name, part, &pair->name, err))
		return false;
	pair->value = "";
	if (equals && !decode_text(owner, equals + 1, size - name - 1, part, &pair->value, err))
		return false;
	target->query_count++;
	return true;
}

/* Adds the pairs between ampersands. */
static bool
add_pairs(void *owner, const char *text, enum part part, struct target *target, struct error *err)
{
	for (;;) {
		size_t size = strcspn(text, "&");

		if (!add_pair(owner, text, size, part, target, err))
			return false;
		text += size;
		if (!*text++)
			return true;
	}
}

bool
target_parse(void *owner, const char *text, struct target *target, struct error *err)
{
	const char *query = text + strcspn(text, "?");

	target->segment_count = 0;
	target->query_count = 0;
	if (*text != '/')
		return error_set(err, FAILURE_MALFORMED, "The URL does not start with /");
	text++;
	while (text < query) {
		size_t size = strcspn(text, "/?");

		if (!add_segment(owner, text, size, target, err))
			return false;
		text += size;
		/* The text behind the last slash is a segment, even if it is empty. */
		if (*text == '/' && ++text == query && !add_segment(owner, "", 0, target, err))
			return false;
	}
	return !*query || add_pairs(owner, query + 1, QUERY, target, err);
}

bool
target_parse_form(void *owner, const char *text, struct target *target, struct error *err)
{
	target->segment_count = 0;
	target->query_count = 0;
	return add_pairs(owner, text, FORM, target, err);
}

void
target_strip(struct target *target, const char *prefix)
{
	size_t count = 0;

	while (*prefix == '/') {
		size_t size = strcspn(++prefix, "/");

		if (count == target->segment_count
		    || strncmp(target->segments[count], prefix, size) != 0
		    || target->segments[count][size])
			return;
		prefix += size;
		count++;
	}
	target->segment_count -= count;
	memmove(target->segments, target->segments + count,
	        target->segment_count * sizeof(target->segments[0]));
	/* "/api/v1/" is "/". */
	if (count > 0 && target->segment_count == 1 && !*target->segments[0])
		target->segment_count = 0;
}
