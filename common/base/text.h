/* text.h - bytes from outside: UTF-8, numbers, percent-decoding
 *
 * libc's functions depend on the locale (isalnum, strtod), skip spaces and signs, and saturate.
 * These do not, and report every failure.
 */
#ifndef NULLPOOL_BASE_TEXT_H
#define NULLPOOL_BASE_TEXT_H

#include "base/attributes.h"

/* Reads the code point at `text` and returns its length in bytes. Returns 0 if size is 0 or the
 * bytes are not well-formed UTF-8 (Unicode 15, table 3-7: no overlong form, no surrogate, nothing
 * above U+10FFFF). */
size_t utf8_next(const char *text, size_t size, uint32_t *point);

/* Writes a code point as UTF-8 to `out` (at least 4 bytes) and returns its length. */
size_t utf8_put(uint32_t point, char *out);

/* Returns true if the whole text is UTF-8; *points (may be NULL) is its number of code points. */
bool utf8_valid(const char *text, size_t size, size_t *points);

/* Returns how many bytes of the text are its whole characters within `max` bytes. */
size_t utf8_cut(const char *text, size_t max);

/* ASCII only. */
bool text_is_alnum(char c);
bool text_is_alpha(char c);
bool text_is_digit(char c);
int text_hex(char c); /* 0 to 15, or -1 */
char text_lower(char c);
char text_upper(char c);
bool text_is_token(char c);   /* of a token of HTTP: RFC 9110 5.6.2 */
bool text_is_control(char c); /* below 0x20, or DEL */
/* Returns true if it can be a header's value: it has no control character but tabs, which could end
 * it. */
bool text_is_header_value(const char *text);

bool text_equal_nocase(const char *a, const char *b); /* folds ASCII only */
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);

/* Returns the text without the spaces and tabs around it, and sets *size, which is its size before:
 * they are not part of a header's value (RFC 9110 5.5). */
const char *text_strip(const char *text, size_t *size);

/* Moves *list (may be NULL) to its next item and returns the item's size, or 0 at the end. Commas
 * and spaces separate items. The caller then skips the item: *list += size. */
size_t text_next_item(const char **list);

/* A part of a template such as "/users/{id}/notes": plain text and the name in braces after it. */
struct text_part {
	const char *plain, *name;
	size_t plain_size, name_size; /* name_size is 0 after the last name */
};

/* Takes the next part off *template. Returns false at its end. A name without its closing brace
 * ends with the template. */
bool text_next_part(const char **template, struct text_part *part);

/* Returns true if the whole text is an optional minus and digits, and fits. */
NP_MUST_CHECK bool parse_int(const char *text, int64_t *value);

/* Writes the value in decimal, with a NUL, and returns its length. printf() takes ten times as
 * long. */
#define INT_TEXT_BYTES 21
size_t text_of_int(int64_t value, char text[INT_TEXT_BYTES]);

/* Writes the number with a NUL, as Postgres reads it: NaN, Infinity, or the fewest of 15, 16 or 17
 * digits that give the same number again. A finite one is a JSON number. */
#define FLOAT_TEXT_BYTES 32
void text_of_float(double value, char text[FLOAT_TEXT_BYTES]);

/* Returns true if the whole text is a JSON number (RFC 8259 section 6), is finite, and does not
 * underflow to 0 as a double: Postgres' float8 refuses both. */
NP_MUST_CHECK bool parse_float(const char *text, double *value);

/* Returns true if the whole text is a JSON number with an integral value, however it is written
 * (1, 1.0, 1e2, 120e-1), and fits. */
NP_MUST_CHECK bool parse_whole(const char *text, int64_t *value);

/* Returns the length of the JSON number at the start of the text, or 0 if there is none. *integer
 * says whether it has neither a fraction nor an exponent. */
size_t json_number_size(const char *text, size_t size, bool *integer);

enum percent_result { PERCENT_OK, PERCENT_BROKEN, PERCENT_NUL };

/* Decodes %XX, and with `plus` also + as a space, into `out`, which has room for size + 1 bytes.
 * Ends it with a NUL; *out_size is its length. A decoded NUL is PERCENT_NUL, because a C string
 * would end there. */
enum percent_result percent_decode(const char *text, size_t size, bool plus, char *out,
                                   size_t *out_size);

#endif
