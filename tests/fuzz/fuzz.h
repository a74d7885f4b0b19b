/* fuzz.h - shared by the fuzz targets
 *
 * A target is a file with LLVMFuzzerTestOneInput(), which calls our functions with arbitrary bytes
 * and checks properties that hold for all of them. `make fuzz` links it with clang's libFuzzer,
 * `make test` with replay.c, which runs the seeds.
 */
#ifndef NULLPOOL_TESTS_FUZZ_H
#define NULLPOOL_TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include <json-c/json.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

/* Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Checks a property. Unlike assert(), it is checked with NDEBUG too, and both drivers print the
 * same message. */
#define HOLDS(condition)                                                                        \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			(void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, \
			              #condition);                                              \
			abort();                                                                \
		}                                                                               \
	} while (0)

/* The bytes that a target has not consumed yet. */
struct input {
	const uint8_t *at;
	size_t left;
};

static inline unsigned
input_byte(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

/* Copies size bytes and a NUL into a block of exactly that size, so that a sanitizer detects a read
 * past its end. */
static inline char *
input_copy(void *owner, const uint8_t *bytes, size_t size)
{
	char *copy = mem_resize(owner, NULL, size + 1);

	if (size > 0)
		memcpy(copy, bytes, size);
	copy[size] = '\0';
	return copy;
}

/* Consumes the bytes up to the separator, or all that are left. The text ends at a NUL among them;
 * its block has exactly its size. */
static inline char *
input_text(void *owner, struct input *in, char separator)
{
	const uint8_t *end = in->left > 0 ? memchr(in->at, separator, in->left) : NULL;
	size_t size = end ? (size_t)(end - in->at) : in->left;
	const uint8_t *start = in->at, *nul = size > 0 ? memchr(start, '\0', size) : NULL;

	in->at += size + (end != NULL);
	in->left -= size + (end != NULL);
	return input_copy(owner, start, nul ? (size_t)(nul - start) : size);
}

/* Consumes all that is left, in the same way. */
static inline char *
input_rest(void *owner, struct input *in)
{
	const uint8_t *nul = in->left > 0 ? memchr(in->at, '\0', in->left) : NULL;
	char *text = input_copy(owner, in->at, nul ? (size_t)(nul - in->at) : in->left);

	in->left = 0;
	return text;
}

static inline bool
same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static inline bool
has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* Returns true if `text` contains `size` consecutive bytes of `secret`. */
static inline bool
has_piece(const char *text, const char *secret, size_t size)
{
	char *piece;

	for (; text && strlen(secret) >= size; secret++) {
		piece = mem_strndup(NULL, secret, size);
		if (strstr(text, piece)) {
			mem_free(piece);
			return true;
		}
		mem_free(piece);
	}
	return false;
}

/* An error has its kind and a message of one line. */
static inline void
check_error(const struct error *err, enum failure kind)
{
	HOLDS(err->kind == kind);
	HOLDS(err->message[0] && memchr(err->message, '\0', sizeof(err->message)));
	HOLDS(!has_control(err->message));
}

/* Parses the whole text with json-c. *valid says whether it is JSON, since a bare null is NULL
 * too. */
static inline struct json_object *
json_read(const char *text, size_t size, bool *valid)
{
	struct json_tokener *tokener = json_tokener_new_ex(64);
	struct json_object *root;

	json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(tokener, text, (int)size);
	/* A bare number ends only with the byte after it. */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		root = json_tokener_parse_ex(tokener, "", 1);
	*valid = json_tokener_get_error(tokener) == json_tokener_success;
	json_tokener_free(tokener);
	return root;
}

#endif
