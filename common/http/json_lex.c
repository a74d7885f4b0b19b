#include "http/json_lex.h"

#include "base/text.h"

/* Returns the value of four hexadecimal digits, or -1. */
static long
read_hex4(const char *text, const char *end)
{
	long unit = 0;

	if (end - text < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = text_hex(text[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

size_t
json_escape_size(const char *text, const char *end, uint32_t *point)
{
	static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	const char *name;
	long unit, low;

	if (end - text < 2 || text[1] == '\0')
		return 0;
	name = strchr(names, text[1]);
	if (name) {
		*point = (unsigned char)meanings[name - names];
		return 2;
	}
	unit = text[1] == 'u' ? read_hex4(text + 2, end) : -1;
	if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return 0;
	*point = (uint32_t)unit;
	if (unit < 0xd800 || unit > 0xdbff)
		return 6;
	low = end - text >= 12 && text[6] == '\\' && text[7] == 'u' ? read_hex4(text + 8, end) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	*point = 0x10000 + (((uint32_t)unit - 0xd800) << 10 | ((uint32_t)low - 0xdc00));
	return 12;
}
