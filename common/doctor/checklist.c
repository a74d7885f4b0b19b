#include "doctor/checklist.h"

#include <stdarg.h>

#include "base/log.h"

#define OUT_BYTES    (64 << 10)
#define FIGURE_BYTES 1024
#define NAME_WIDTH   12

void
checklist_init(struct checklist *findings, void *scope, bool json)
{
	*findings = (struct checklist){ .scope = scope, .json = json };
	buf_init(&findings->out, scope, OUT_BYTES);
	buf_text(&findings->out, json ? "{\"checks\":[" : "");
}

static void
tell_program(struct checklist *findings, bool good, const char *check, const char *figure,
             const char *advice)
{
	struct buf *out = &findings->out;

	buf_text(out, findings->told > 0 ? "," : "");
	buf_printf(out, "{\"check\":\"%s\",\"good\":%s,\"figure\":", check,
	           good ? "true" : "false");
	buf_json_text(out, figure);
	buf_text(out, ",\"advice\":");
	if (advice)
		buf_json_text(out, advice);
	else
		buf_text(out, "null");
	buf_char(out, '}');
}

static void
tell_person(struct checklist *findings, bool good, const char *check, char *figure,
            const char *advice)
{
	for (char *c = figure; *c; c++)
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			*c = '?';
	buf_printf(&findings->out, "%s %-*s %s\n", good ? "\u2713" : "\u2717", NAME_WIDTH, check,
	           figure);
	if (advice)
		buf_printf(&findings->out, "  %-*s -> %s\n", NAME_WIDTH, "", advice);
}

bool
checklist_tell(struct checklist *findings, bool good, const char *check, const char *advice,
               const char *format, ...)
{
	char figure[FIGURE_BYTES];
	struct buf clean;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(figure, sizeof(figure), format, args);
	va_end(args);
	buf_init(&clean, findings->scope, (size_t)2 * FIGURE_BYTES);
	log_scrub(&clean, figure);
	/* What libpq says goes on in further lines. */
	clean.data[strcspn(clean.data, "\n")] = '\0';
	if (findings->json)
		tell_program(findings, good, check, clean.data, advice);
	else
		tell_person(findings, good, check, clean.data, advice);
	findings->told++;
	if (!good && !findings->first)
		findings->first = check;
	return good;
}

void
checklist_print(struct checklist *findings)
{
	const char *first = findings->first;

	if (findings->json)
		buf_printf(&findings->out, "],\"first\":%s%s%s}\n", first ? "\"" : "",
		           first ? first : "null", first ? "\"" : "");
	else
		buf_printf(&findings->out, "%s%s\n", first ? "to be mended first: " : "all is well",
		           first ? first : "");
	(void)fputs(findings->out.data, stdout);
}
