#include "http/csv.h"

static bool
is_formula(const char *text)
{
	return *text && strchr("=+-@\t\r", *text);
}

/* An empty text is in quotes, so that it differs from NULL. */
static bool
needs_quotes(const char *text)
{
	return !*text || strpbrk(text, ",\"\r\n") || *text == ' ' || text[strlen(text) - 1] == ' ';
}

void
csv_field(struct buf *out, const char *text, bool number)
{
	bool quoted;

	if (!text)
		return;
	if (number) {
		buf_text(out, text);
		return;
	}
	quoted = needs_quotes(text);
	buf_text(out, quoted ? "\"" : "");
	buf_text(out, is_formula(text) ? "'" : "");
	for (; *text; text++) {
		if (*text == '"')
			buf_char(out, '"');
		buf_char(out, *text);
	}
	buf_text(out, quoted ? "\"" : "");
}
