/* lines.h - replaces base/sink.c: checks the lines that a target's code logs instead of writing
 * them
 *
 * The library's own sink is not linked, because both of its functions are defined here.
 */
#ifndef NULLPOOL_TESTS_FUZZ_LINES_H
#define NULLPOOL_TESTS_FUZZ_LINES_H

#include "base/log.h"
#include "base/sink.h"
#include "fuzz.h"

static struct {
	size_t count;
	char last[LOG_LINE_MAX + 1];
	size_t size;
} lines;

/* One JSON object, at most 8 KiB, without control characters except the line feed at its end. */
static inline void
check_json_line(const char *line, size_t size)
{
	struct json_object *json;
	bool good;

	HOLDS(size > 2 && size <= LOG_LINE_MAX && line[size - 1] == '\n' && line[0] == '{');
	for (size_t i = 0; i + 1 < size; i++)
		HOLDS((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
	json = json_read(line, size - 1, &good);
	HOLDS(good && json_object_is_type(json, json_type_object));
	(void)json_object_put(json);
}

void
sink_write(int fd, const char *line, size_t size)
{
	HOLDS(fd == 2 && size <= LOG_LINE_MAX);
	if (*line == '{')
		check_json_line(line, size);
	memcpy(lines.last, line, size);
	lines.last[size] = '\0';
	lines.size = size;
	lines.count++;
}

uint64_t
sink_dropped(void)
{
	return 0;
}

#endif
