#include <errno.h>
#include <math.h>

#include "base/text.h"

/* More than a number in a request body may have (http/json.h). */
#define WHOLE_MAX_BYTES 64

/* Returns the length of a sequence by its first byte, or 0, and the range of its second byte:
 * Unicode 15, table 3-7. */
static size_t
utf8_length(unsigned char first, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef) {
		*low = first == 0xe0 ? 0xa0 : 0x80;
		*high = first == 0xed ? 0x9f : 0xbf;
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		*low = first == 0xf0 ? 0x90 : 0x80;
		*high = first == 0xf4 ? 0x8f : 0xbf;
		return 4;
	}
	return 0;
}

size_t
utf8_next(const char *text, size_t size, uint32_t *point)
{
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned char low, high;
	size_t length;

	if (size == 0)
		return 0;
	length = utf8_length(bytes[0], &low, &high);
	if (length == 0 || length > size)
		return 0;
	*point = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if (bytes[i] < low || bytes[i] > high)
			return 0;
		*point = *point << 6 | (bytes[i] & 0x3fu);
		low = 0x80;
		high = 0xbf;
	}
	return length;
}

size_t
utf8_put(uint32_t point, char *out)
{
	size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

	if (length == 1) {
		out[0] = (char)point;
		return 1;
	}
	for (size_t i = length - 1; i > 0; i--, point >>= 6)
		out[i] = (char)(0x80 | (point & 0x3f));
	out[0] = (char)((0xf00u >> length & 0xffu) | point);
	return length;
}

bool
utf8_valid(const char *text, size_t size, size_t *points)
{
	size_t count = 0;
	uint32_t point;

	for (size_t at = 0, length; at < size; at += length, count++) {
		length = utf8_next(text + at, size - at, &point);
		if (length == 0)
			return false;
	}
	if (points)
		*points = count;
	return true;
}

bool
text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
text_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
text_is_alnum(char c)
{
	return text_is_digit(c) || text_is_alpha(c);
}

int
text_hex(char c)
{
	if (text_is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

char
text_lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

char
text_upper(char c)
{
	return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

bool
text_is_token(char c)
{
	return text_is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool
text_is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

bool
text_equal_nocase(const char *a, const char *b)
{
	while (*a && text_lower(*a) == text_lower(*b)) {
		a++;
		b++;
	}
	return *a == *b;
}

bool
text_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool
text_ends(const char *text, const char *suffix)
{
	size_t size = strlen(text), end = strlen(suffix);

	return size >= end && strcmp(text + size - end, suffix) == 0;
}

bool
text_is_header_value(const char *text)
{
	for (; *text; text++)
		if (text_is_control(*text) && *text != '\t')
			return false;
	return true;
}

const char *
text_strip(const char *text, size_t *size)
{
	while (*size > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		--*size;
	}
	while (*size > 0 && (text[*size - 1] == ' ' || text[*size - 1] == '\t'))
		--*size;
	return text;
}

size_t
text_next_item(const char **list)
{
	if (!*list)
		return 0;
	*list += strspn(*list, ", ");
	return strcspn(*list, ", ");
}

bool
parse_int(const char *text, int64_t *value)
{
	const char *digits = text + (*text == '-');
	long long parsed;

	if (!*digits || strspn(digits, "0123456789") != strlen(digits))
		return false;
	errno = 0;
	parsed = strtoll(text, NULL, 10);
	if (errno != 0)
		return false;
	*value = parsed;
	return true;
}

/* Returns the number of digits from `at` on. */
static size_t
count_digits(const char *text, size_t size, size_t at)
{
	size_t start = at;

	while (at < size && text_is_digit(text[at]))
		at++;
	return at - start;
}

size_t
json_number_size(const char *text, size_t size, bool *integer)
{
	size_t at = size > 0 && text[0] == '-', digits = count_digits(text, size, at);

	*integer = true;
	if (digits == 0 || (digits > 1 && text[at] == '0'))
		return 0;
	at += digits;
	if (at < size && text[at] == '.') {
		*integer = false;
		digits = count_digits(text, size, at + 1);
		if (digits == 0)
			return 0;
		at += 1 + digits;
	}
	if (at < size && (text[at] == 'e' || text[at] == 'E')) {
		*integer = false;
		at++;
		if (at < size && (text[at] == '+' || text[at] == '-'))
			at++;
		digits = count_digits(text, size, at);
		if (digits == 0)
			return 0;
		at += digits;
	}
	return at;
}

bool
text_next_part(const char **template, struct text_part *part)
{
	const char *at = *template;

	*part = (struct text_part){ .plain = at, .plain_size = strcspn(at, "{") };
	at += part->plain_size;
	if (*at) {
		part->name = at + 1;
		part->name_size = strcspn(part->name, "}");
		at = part->name + part->name_size;
		if (*at)
			at++;
	}
	*template = at;
	return part->plain_size > 0 || part->name;
}

size_t
text_of_int(int64_t value, char text[INT_TEXT_BYTES])
{
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char digits[INT_TEXT_BYTES];
	size_t count = 0, size = 0;

	do {
		digits[count++] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (value < 0)
		text[size++] = '-';
	while (count > 0)
		text[size++] = digits[--count];
	text[size] = '\0';
	return size;
}

void
text_of_float(double value, char text[FLOAT_TEXT_BYTES])
{
	if (!isfinite(value)) {
		(void)snprintf(text, FLOAT_TEXT_BYTES, "%s",
		               isnan(value) ? "NaN"
		               : value > 0  ? "Infinity"
		                            : "-Infinity");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, FLOAT_TEXT_BYTES, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			return;
	}
}

bool
parse_float(const char *text, double *value)
{
	size_t size = strlen(text);
	bool integer;
	double parsed;

	if (size == 0 || json_number_size(text, size, &integer) != size)
		return false;
	/* strtod() takes a point as decimal separator, since nothing here calls setlocale(). */
	errno = 0;
	parsed = strtod(text, NULL);
	if (!isfinite(parsed) || (errno == ERANGE && parsed == 0))
		return false;
	*value = parsed;
	return true;
}

/* Copies the minus and the digits of a JSON number, without its point and exponent, and returns
 * their count. The number is those digits times 10 to the power of *shift. */
static size_t
read_digits(const char *text, char digits[WHOLE_MAX_BYTES], int64_t *shift)
{
	const char *exponent = strpbrk(text, "eE"), *point = strchr(text, '.');
	const char *end = exponent ? exponent : text + strlen(text);
	size_t size = 0;

	*shift = 0;
	if (exponent && !parse_int(exponent + 1 + (exponent[1] == '+'), shift))
		return 0;
	for (; text < end; text++)
		if (text != point)
			digits[size++] = *text;
	if (point)
		*shift -= end - point - 1;
	return size;
}

bool
parse_whole(const char *text, int64_t *value)
{
	char digits[WHOLE_MAX_BYTES + INT_TEXT_BYTES];
	size_t size = strlen(text), sign = *text == '-';
	bool integer;
	int64_t shift;

	if (size == 0 || size > WHOLE_MAX_BYTES || json_number_size(text, size, &integer) != size)
		return false;
	size = read_digits(text, digits, &shift);
	if (size == 0)
		return false;
	for (; shift < 0 && size > sign; shift++)
		if (digits[--size] != '0')
			return false;
	/* Stops at more zeros than a number of 64 bits can have. A 0 needs only one. */
	for (size_t i = 0; (shift > 0 || size == sign) && i < INT_TEXT_BYTES - 1; i++, shift--)
		digits[size++] = '0';
	digits[size] = '\0';
	return parse_int(digits, value);
}

enum percent_result
percent_decode(const char *text, size_t size, bool plus, char *out, size_t *out_size)
{
	size_t length = 0;

	for (size_t at = 0; at < size; at++) {
		char c = text[at];

		if (c == '%') {
			int high = size - at > 2 ? text_hex(text[at + 1]) : -1;
			int low = size - at > 2 ? text_hex(text[at + 2]) : -1;

			if (high < 0 || low < 0)
				return PERCENT_BROKEN;
			c = (char)(high << 4 | low);
			at += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c == '\0')
			return PERCENT_NUL;
		out[length++] = c;
	}
	out[length] = '\0';
	*out_size = length;
	return PERCENT_OK;
}

size_t
utf8_cut(const char *text, size_t max)
{
	size_t size = strlen(text);

	if (size <= max)
		return size;
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}
