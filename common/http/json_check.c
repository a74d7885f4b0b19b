#include "http/json_check.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"
#include "http/json_lex.h"

#define NUMBER_MAX_BYTES    64
#define EXPONENT_DIGITS_MAX 4

/* The prime of FNV-1a. A test sets it to 0, so that all hashes are equal. */
#ifndef HASH_PRIME
#define HASH_PRIME 0x100000001b3u
#endif

/* A key as a piece of the text, with its escapes. The hash is that of the decoded key. */
struct key {
	const char *text;
	uint32_t size;
	uint32_t hash;
};

struct check {
	const char *start, *at, *end;
	int depth;
	size_t key_count; /* in all open objects */
	struct error *err;
};

/* The keys of each open object of the text that is checked; those of an inner object follow those
 * of the outer one. Only the part of these 250 KiB that a text needs is ever touched; malloc would
 * get them from the kernel and give them back for each body. */
static struct key keys[JSON_DEPTH_MAX * JSON_OBJECT_KEYS_MAX];

/* A hash table with open addressing: a slot holds 1 + the index of a key in `keys`, in the first
 * slot that was free from the key's home slot on. Keys leave in the reverse order in which they
 * came, so no key has been placed behind a slot that becomes free. If the thousand keys of each
 * object of a body were compared in pairs, that would take longer than all other work on it. */
#define SLOT_BITS 15
static uint16_t slots[1 << SLOT_BITS];
_Static_assert(COUNT_OF(slots) >= 2 * COUNT_OF(keys), "at most half of the slots are taken");

static bool check_value(struct check *check);

static bool
syntax_error(const struct check *check, const char *what)
{
	return error_set(check->err, FAILURE_MALFORMED,
	                 "The body is not valid JSON: %s at byte %zu", what,
	                 (size_t)(check->at - check->start));
}

static void
skip_space(struct check *check)
{
	check->at = json_skip_space(check->at, check->end);
}

/* Skips white space, and then `c`. Returns false if something else comes. */
static bool
skip_char(struct check *check, char c)
{
	skip_space(check);
	if (check->at == check->end || *check->at != c)
		return false;
	check->at++;
	return true;
}

/* Returns the size of a string's character, escaped or not; 0 if no string may hold it. */
static size_t
character_size(const char *text, const char *end, uint32_t *point)
{
	size_t size;

	if (*text == '\\')
		return json_escape_size(text, end, point);
	size = utf8_next(text, (size_t)(end - text), point);
	return size > 0 && *point >= 0x20 ? size : 0;
}

/* From behind the opening quote to behind the closing one. */
static bool
check_string(struct check *check)
{
	while (check->at < check->end && *check->at != '"') {
		uint32_t point;
		size_t size = character_size(check->at, check->end, &point);

		if (size == 0)
			return syntax_error(check,
			                    "a string with a control character, an unknown escape,"
			                    " \\u0000, an unpaired surrogate or invalid UTF-8");
		check->at += size;
	}
	if (check->at == check->end)
		return syntax_error(check, "an unterminated string");
	check->at++;
	return true;
}

/* FNV-1a over the code points, from a start that no client knows. */
static uint32_t
hash_of(const struct key *key)
{
	static uint64_t seed;
	uint64_t hash;

	if (seed == 0)
		seed = random_number();
	hash = seed;
	for (const char *at = key->text, *end = at + key->size; at < end;) {
		uint32_t point = 0;

		at += character_size(at, end, &point);
		hash = (hash ^ point) * HASH_PRIME;
	}
	return (uint32_t)(hash ^ hash >> 32);
}

/* Compares decoded keys: "a" and "\u0061" are equal. */
static bool
same_key(const struct key *a, const struct key *b)
{
	const char *at = a->text, *other = b->text, *end = a->text + a->size,
	           *other_end = b->text + b->size;

	while (at < end && other < other_end) {
		uint32_t point = 0, other_point = 0;

		at += character_size(at, end, &point);
		other += character_size(other, other_end, &other_point);
		if (point != other_point)
			return false;
	}
	return at == end && other == other_end;
}

/* Returns the home slot of a key of the object whose keys begin at keys[first]. */
static size_t
home_slot(const struct key *key, size_t first)
{
	/* Knuth's multiplicative hashing: the upper bits depend on all bits of the hash. */
	return (uint32_t)((key->hash + (uint32_t)first) * 0x9e3779b1u) >> (32 - SLOT_BITS);
}

static size_t
next_slot(size_t slot)
{
	return (slot + 1) % COUNT_OF(slots);
}

/* Adds the key at keys[key_count]. Returns false if its object, whose keys begin at keys[first],
 * has an equal one. Earlier keys belong to other open objects. */
static bool
add_key(struct check *check, size_t first)
{
	const struct key *key = &keys[check->key_count];
	size_t slot = home_slot(key, first);

	for (; slots[slot] > 0; slot = next_slot(slot)) {
		size_t index = slots[slot] - 1u;

		if (index >= first && keys[index].hash == key->hash && same_key(&keys[index], key))
			return false;
	}
	slots[slot] = (uint16_t)++check->key_count;
	return true;
}

/* Removes the keys of an object that is closed, or that has an error. */
static void
remove_keys(struct check *check, size_t first)
{
	for (; check->key_count > first; check->key_count--) {
		size_t slot = home_slot(&keys[check->key_count - 1], first);

		while (slots[slot] != check->key_count)
			slot = next_slot(slot);
		slots[slot] = 0;
	}
}

/* Checks the name and colon of a member of the object whose keys begin at keys[first]. */
static bool
check_key(struct check *check, size_t first)
{
	struct key *key;

	if (!skip_char(check, '"'))
		return syntax_error(check, "no quoted name of a member");
	if (check->key_count - first == JSON_OBJECT_KEYS_MAX)
		return syntax_error(check, "too many members of an object");
	key = &keys[check->key_count];
	key->text = check->at;
	if (!check_string(check))
		return false;
	key->size = (uint32_t)(check->at - key->text - 1);
	key->hash = hash_of(key);
	if (!add_key(check, first))
		return syntax_error(check, "a duplicate name in an object");
	if (!skip_char(check, ':'))
		return syntax_error(check, "no colon after a name");
	return true;
}

static bool
check_items(struct check *check, char close, size_t first)
{
	if (check->depth > JSON_DEPTH_MAX)
		return syntax_error(check, "too many levels of nesting");
	if (skip_char(check, close))
		return true;
	do {
		if (close == '}' && !check_key(check, first))
			return false;
		if (!check_value(check))
			return false;
	} while (skip_char(check, ','));
	return skip_char(check, close)
	       || syntax_error(check, close == '}' ? "no comma or } after a member"
	                                           : "no comma or ] after an item");
}

/* Checks the members of an object or the items of an array, behind its opening bracket. */
static bool
check_list(struct check *check, char close)
{
	size_t first = check->key_count;
	bool ok;

	check->depth++;
	ok = check_items(check, close, first);
	remove_keys(check, first);
	check->depth--;
	return ok;
}

/* A decimal of Postgres has at most 16,383 digits behind the point, even a zero: jsonb refuses
 * 0e-20000. */
static bool
is_exponent_long(const char *number)
{
	const char *exponent = strpbrk(number, "eE");

	return exponent
	       && strspn(exponent + 1 + strspn(exponent + 1, "+-"), "0123456789")
	              > EXPONENT_DIGITS_MAX;
}

static bool
check_number(struct check *check)
{
	char number[NUMBER_MAX_BYTES];
	bool integer;
	size_t size = json_number_size(check->at, (size_t)(check->end - check->at), &integer);
	struct buf copy;
	int64_t whole;
	double real;

	if (size == 0)
		return syntax_error(check, "no JSON value");
	buf_init_fixed(&copy, number, sizeof(number));
	buf_add(&copy, check->at, size);
	if (copy.overflow || is_exponent_long(number)
	    || !(integer ? parse_int(number, &whole) : parse_float(number, &real)))
		return syntax_error(check, "a number out of range");
	check->at += size;
	return true;
}

static bool
check_value(struct check *check)
{
	static const char *const words[] = { "true", "false", "null" };

	if (skip_char(check, '"'))
		return check_string(check);
	if (skip_char(check, '{'))
		return check_list(check, '}');
	if (skip_char(check, '['))
		return check_list(check, ']');
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		size_t size = strlen(words[i]);

		if ((size_t)(check->end - check->at) >= size
		    && memcmp(check->at, words[i], size) == 0) {
			check->at += size;
			return true;
		}
	}
	return check_number(check);
}

bool
json_check(const char *text, size_t size, struct error *err)
{
	struct check check = { .start = text, .at = text, .end = text + size, .err = err };

	if (!check_value(&check))
		return false;
	skip_space(&check);
	if (check.at < check.end)
		return syntax_error(&check, "text after the value");
	return true;
}
