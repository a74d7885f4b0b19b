/* text - UTF-8, numbers and percent-decoding, compared with parsers written for this test */
#include <errno.h>
#include <math.h>

#include "fuzz.h"

/* The grammar of RFC 3629 section 4. */
static size_t
utf8_size(const unsigned char *b, size_t left)
{
#define TAIL(i, low, high) (left > (i) && b[i] >= (low) && b[i] <= (high))
	if (left == 0)
		return 0;
	if (b[0] <= 0x7f)
		return 1;
	if (b[0] >= 0xc2 && b[0] <= 0xdf)
		return TAIL(1, 0x80, 0xbf) ? 2 : 0;
	if (b[0] == 0xe0)
		return TAIL(1, 0xa0, 0xbf) && TAIL(2, 0x80, 0xbf) ? 3 : 0;
	if (b[0] == 0xed)
		return TAIL(1, 0x80, 0x9f) && TAIL(2, 0x80, 0xbf) ? 3 : 0;
	if (b[0] >= 0xe1 && b[0] <= 0xef)
		return TAIL(1, 0x80, 0xbf) && TAIL(2, 0x80, 0xbf) ? 3 : 0;
	if (b[0] == 0xf0)
		return TAIL(1, 0x90, 0xbf) && TAIL(2, 0x80, 0xbf) && TAIL(3, 0x80, 0xbf) ? 4 : 0;
	if (b[0] >= 0xf1 && b[0] <= 0xf3)
		return TAIL(1, 0x80, 0xbf) && TAIL(2, 0x80, 0xbf) && TAIL(3, 0x80, 0xbf) ? 4 : 0;
	if (b[0] == 0xf4)
		return TAIL(1, 0x80, 0x8f) && TAIL(2, 0x80, 0xbf) && TAIL(3, 0x80, 0xbf) ? 4 : 0;
	return 0;
#undef TAIL
}

static void
check_utf8(const uint8_t *data, size_t size)
{
	size_t points = 0, counted = 0;
	bool valid = true;

	for (size_t at = 0; at < size; points++) {
		size_t wanted = utf8_size(data + at, size - at);
		uint32_t point = 0;
		char again[4];

		HOLDS(utf8_next((const char *)data + at, size - at, &point) == wanted);
		if (wanted == 0) {
			valid = false;
			break;
		}
		HOLDS(utf8_put(point, again) == wanted && memcmp(again, data + at, wanted) == 0);
		at += wanted;
	}
	HOLDS(utf8_valid((const char *)data, size, &counted) == valid);
	HOLDS(!valid || counted == points);
}

static void
check_int(const char *text)
{
	bool negative = *text == '-', digits = text[negative] != '\0', fits = true;
	uint64_t size = 0, most = (uint64_t)INT64_MAX + negative;
	char again[INT_TEXT_BYTES];
	int64_t value;

	for (const char *at = text + negative; *at; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		digits = digits && *at >= '0' && *at <= '9';
		fits = fits && digits && size <= (most - digit) / 10;
		size = fits ? size * 10 + digit : 0;
	}
	HOLDS(parse_int(text, &value) == (digits && fits));
	if (!digits || !fits)
		return;
	HOLDS(value == (int64_t)(negative ? 0 - size : size));
	HOLDS(text_of_int(value, again) == strlen(again));
	HOLDS(parse_int(again, &value) && value == (int64_t)(negative ? 0 - size : size));
}

/* RFC 8259 section 6: [minus] int [frac] [exp]. */
static bool
is_number(const char *text)
{
	text += *text == '-';
	if (*text == '0')
		text++;
	else if (text_is_digit(*text))
		text += strspn(text, "0123456789");
	else
		return false;
	if (*text == '.') {
		if (!text_is_digit(*++text))
			return false;
		text += strspn(text, "0123456789");
	}
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '+' || *text == '-';
		if (!text_is_digit(*text))
			return false;
		text += strspn(text, "0123456789");
	}
	return *text == '\0';
}

static void
check_float(const char *text)
{
	bool integer, number = is_number(text);
	char again[FLOAT_TEXT_BYTES];
	double value, wanted;

	HOLDS((*text && json_number_size(text, strlen(text), &integer) == strlen(text)) == number);
	if (number)
		HOLDS(integer == !strpbrk(text, ".eE"));
	errno = 0;
	wanted = number ? strtod(text, NULL) : NAN;
	HOLDS(parse_float(text, &value)
	      == (number && isfinite(wanted) && !(errno == ERANGE && wanted == 0)));
	if (!parse_float(text, &value))
		return;
	HOLDS(value == wanted);
	text_of_float(value, again);
	HOLDS(strlen(again) < FLOAT_TEXT_BYTES && is_number(again));
	HOLDS(strtod(again, NULL) == value);
}

static void
check_percent(void *owner, const char *text, size_t size, bool plus)
{
	char *out = mem_resize(owner, NULL, size + 1);
	size_t length = 0;
	struct buf again;

	switch (percent_decode(text, size, plus, out, &length)) {
	case PERCENT_OK:
		HOLDS(length <= size && strlen(out) == length);
		buf_init(&again, owner, size * 3 + 1);
		buf_percent(&again, out, "");
		HOLDS(percent_decode(again.data, again.size, plus, out, &length) == PERCENT_OK);
		break;
	case PERCENT_NUL:
		HOLDS(memchr(text, '\0', size) || strstr(text, "%00"));
		break;
	case PERCENT_BROKEN:
		HOLDS(memchr(text, '%', size) != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	const char *text = input_rest(owner, &in);

	check_utf8(data, size);
	check_int(text);
	check_float(text);
	check_percent(owner, input_copy(owner, data, size), size, false);
	check_percent(owner, input_copy(owner, data, size), size, true);
	HOLDS(text_equal_nocase(text, text) && text_starts(text, text) && text_ends(text, text));
	mem_free(owner);
	return 0;
}
