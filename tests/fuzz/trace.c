/* trace - traceparent: an accepted header has the form of W3C Trace Context, and only its digits
 * are passed on */
#include "http/trace.h"

#include "fuzz.h"

static bool
is_hex(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!strchr("0123456789abcdef", text[i]) || !text[i])
			return false;
	return true;
}

static bool
is_zero(const char *text, size_t size)
{
	return strspn(text, "0") >= size;
}

/* https://www.w3.org/TR/trace-context/#traceparent-header-field-values, a second time. */
static bool
is_traceparent(const char *text)
{
	size_t size = strlen(text);

	if (size < 55 || !is_hex(text, 2) || text_starts(text, "ff") || text[2] != '-'
	    || text[35] != '-' || text[52] != '-')
		return false;
	if (!is_hex(text + 3, 32) || is_zero(text + 3, 32) || !is_hex(text + 36, 16)
	    || is_zero(text + 36, 16) || !is_hex(text + 53, 2))
		return false;
	return text_starts(text, "00") ? size == 55 : size == 55 || text[55] == '-';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	const char *text = input_rest(owner, &in);
	char header[TRACE_HEADER_BYTES];
	struct trace trace, next;

	trace_read(text, &trace);
	HOLDS((trace.id[0] != '\0') == is_traceparent(text));
	if (trace.id[0]) {
		HOLDS(strncmp(trace.id, text + 3, 32) == 0 && strlen(trace.id) == 32);
		HOLDS(strncmp(trace.parent, text + 36, 16) == 0 && strlen(trace.parent) == 16);
		HOLDS(strcmp(trace.flags, (text_hex(text[54]) & 1) ? "01" : "00") == 0);
		HOLDS(is_hex(trace.span, 16) && strlen(trace.span) == 16
		      && strcmp(trace.span, trace.parent) != 0);
		trace_write(&trace, header);
		HOLDS(is_traceparent(header) && text_starts(header, "00-"));
		trace_read(header, &next);
		HOLDS(same_text(next.id, trace.id) && same_text(next.parent, trace.span));
	} else {
		HOLDS(!trace.parent[0] && !trace.span[0] && !trace.flags[0]);
	}
	mem_free(owner);
	return 0;
}
