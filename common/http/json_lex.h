/* json_lex.h - the pieces of JSON that json_check.c, json.c and json_canonical.c have in common */
#ifndef NULLPOOL_HTTP_JSON_LEX_H
#define NULLPOOL_HTTP_JSON_LEX_H

#include "base/attributes.h"

/* Returns the first byte from `text` on that is not white space, or `end`. */
static inline const char *
json_skip_space(const char *text, const char *end)
{
	while (text < end && (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r'))
		text++;
	return text;
}

/* Decodes the escape sequence whose backslash is at `text`. Returns its size, which is 12 bytes for
 * a surrogate pair, or 0 if no string may hold it: an unknown one, \u0000, or half of a pair. */
size_t json_escape_size(const char *text, const char *end, uint32_t *point);

#endif
