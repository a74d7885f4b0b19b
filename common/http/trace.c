#include "http/trace.h"

#include "base/hash.h"
#include "base/text.h"

#define ID_RANDOM_BYTES   16
#define SPAN_RANDOM_BYTES 8

/* Copies `size` lower-case hexadecimal digits. Returns false if there are fewer, if `end` does not
 * follow them, or if all are 0. */
static bool
copy_hex(const char *text, size_t size, char end, char *out)
{
	bool any = false;

	for (size_t i = 0; i < size; i++) {
		if (text_hex(text[i]) < 0 || (text[i] >= 'A' && text[i] <= 'F'))
			return false;
		any = any || text[i] != '0';
		out[i] = text[i];
	}
	out[size] = '\0';
	return any && text[size] == end;
}

/* 00-<32 digits>-<16 digits>-<2 digits>; a later version may have more behind another dash. */
static bool
parse_traceparent(const char *header, struct trace *trace)
{
	char version[3] = { 0 };
	bool first = text_starts(header, "00-");

	if (!first && (!copy_hex(header, 2, '-', version) || strcmp(version, "ff") == 0))
		return false;
	if (strlen(header) < TRACE_HEADER_BYTES - 1 || !copy_hex(header + 3, 32, '-', trace->id)
	    || !copy_hex(header + 36, 16, '-', trace->parent))
		return false;
	if (header[55] != '\0' && (first || header[55] != '-'))
		return false;
	/* The flags may be 0. */
	return copy_hex(header + 53, 2, header[55], trace->flags)
	       || strcmp(trace->flags, "00") == 0;
}

void
trace_read(const char *header, struct trace *trace)
{
	*trace = (struct trace){ .id = "" };
	if (header && strlen(header) > 0 && parse_traceparent(header, trace)) {
		random_hex(SPAN_RANDOM_BYTES, trace->span);
		/* The other bits are reserved; whoever passes them on sets them to 0. */
		memcpy(trace->flags, trace_is_sampled(trace) ? "01" : "00", sizeof(trace->flags));
	} else {
		*trace = (struct trace){ .id = "" };
	}
}

void
trace_begin(struct trace *trace)
{
	*trace = (struct trace){ .flags = "01" };
	random_hex(ID_RANDOM_BYTES, trace->id);
	random_hex(SPAN_RANDOM_BYTES, trace->span);
}

void
trace_sample(struct trace *trace, double probability)
{
	static const char digits[] = "0123456789abcdef";
	/* Uses the low 64 bits, as OpenTelemetry's SDKs for Python and Go do; a double can hold
	 * the upper 53 of them. */
	uint64_t number = strtoull(trace->id + ID_RANDOM_BYTES, NULL, 16) >> 11;
	bool sampled = (double)number < probability * 0x1p53;
	int flags = text_hex(trace->flags[1]);

	trace->flags[1] = digits[sampled ? flags | 1 : flags & ~1];
}

bool
trace_is_sampled(const struct trace *trace)
{
	return trace->id[0] && (text_hex(trace->flags[1]) & 1);
}

void
trace_write(const struct trace *trace, char header[TRACE_HEADER_BYTES])
{
	(void)snprintf(header, TRACE_HEADER_BYTES, "00-%s-%s-%s", trace->id, trace->span,
	               trace->flags);
}
