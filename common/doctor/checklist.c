#include "doctor/checklist.h"

#include <stdarg.h>

#include "base/log.h"

#define OUT_BYTES    (64 << 10)
#define FIGURE_BYTES 1024
#define NAME_WIDTH   12

void
checklist_init(struct checklist *checklist, void *scope, bool json)
{
	*checklist = (struct checklist){ .scope = scope, .json = json };
	buf_init(&checklist->out, scope, OUT_BYTES);
	buf_text(&checklist->out, json ? "{\"checks\":[" : "");
}

static void
write_json(struct checklist *checklist, bool passed, const char *name, const char *figure,
           const char *advice)
{
	struct buf *out = &checklist->out;

	buf_text(out, checklist->count > 0 ? "," : "");
	buf_printf(out, "{\"check\":\"%s\",\"good\":%s,\"figure\":", name,
	           passed ? "true" : "false");
	buf_json_text(out, figure);
	buf_text(out, ",\"advice\":");
	if (advice)
		buf_json_text(out, advice);
	else
		buf_text(out, "null");
	buf_char(out, '}');
}

static void
write_line(struct checklist *checklist, bool passed, const char *name, char *figure,
           const char *advice)
{
	for (char *c = figure; *c; c++)
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			*c = '?';
	buf_printf(&checklist->out, "%s %-*s %s\n", passed ? "\u2713" : "\u2717", NAME_WIDTH, name,
	           figure);
	if (advice)
		buf_printf(&checklist->out, "  %-*s -> %s\n", NAME_WIDTH, "", advice);
}

bool
checklist_add(struct checklist *checklist, bool passed, const char *name, const char *advice,
              const char *format, ...)
{
	char figure[FIGURE_BYTES];
	struct buf clean;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(figure, sizeof(figure), format, args);
	va_end(args);
	buf_init(&clean, checklist->scope, (size_t)2 * FIGURE_BYTES);
	log_scrub(&clean, figure);
	/* libpq's messages have further lines, which repeat or explain the first. */
	clean.data[strcspn(clean.data, "\n")] = '\0';
	if (checklist->json)
		write_json(checklist, passed, name, clean.data, advice);
	else
		write_line(checklist, passed, name, clean.data, advice);
	checklist->count++;
	if (!passed && !checklist->first_failed)
		checklist->first_failed = name;
	return passed;
}

void
checklist_print(struct checklist *checklist)
{
	const char *first = checklist->first_failed;

	if (checklist->json)
		buf_printf(&checklist->out, "],\"first\":%s%s%s}\n", first ? "\"" : "",
		           first ? first : "null", first ? "\"" : "");
	else
		buf_printf(&checklist->out, "%s%s\n", first ? "fix first: " : "all checks passed",
		           first ? first : "");
	(void)fputs(checklist->out.data, stdout);
}
