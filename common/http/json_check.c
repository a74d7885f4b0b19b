/* json_check.c - what may be read as JSON; see json.h for why it is ours */
#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"
#include "http/json.h"

#define NUMBER_MAX_BYTES    64
#define EXPONENT_DIGITS_MAX 4

/* Of FNV-1a. A test makes it 0, so that all hashes are equal. */
#ifndef HASH_PRIME
#define HASH_PRIME 0x100000001b3u
#endif

/* A key as a piece of the text, escapes as they are. The hash is of what it means. */
struct key {
	const char *text;
	uint32_t size;
	uint32_t hash;
};

struct gate {
	const char *start, *at, *end;
	int depth;
	size_t key_count; /* of the objects that are open */
	struct error *err;
};

/* Of the one text at a time: the keys of each open object, those of an inner one behind those of
 * the outer. 250 KiB of which only what a text needs is ever touched: from malloc they would be
 * asked of the kernel and given back for each body. */
static struct key keys[JSON_DEPTH_MAX * JSON_OBJECT_KEYS_MAX];

/* Where a key is found by its hash: 1 and its index in keys, in the first slot from its own on that
 * was free. Keys leave in the reverse order in which they came, so that a slot that gets free is in
 * nobody's way. Compared pairwise, the thousand keys of each object of a body would take longer
 * than all else that is done with it. */
#define SLOT_BITS 15
static uint16_t slots[1 << SLOT_BITS];
_Static_assert(COUNT_OF(slots) >= 2 * COUNT_OF(keys), "at most half of the slots are taken");

static bool gate_value(struct gate *gate);

static bool
fault(const struct gate *gate, const char *what)
{
	return error_set(gate->err, NP_MALFORMED, "The body is not valid JSON: %s at byte %zu",
	                 what, (size_t)(gate->at - gate->start));
}

static void
skip_space(struct gate *gate)
{
	while (gate->at < gate->end && strchr(" \t\n\r", *gate->at) && *gate->at)
		gate->at++;
}

/* After white space: whether `c` comes next; if so it is passed. */
static bool
pass(struct gate *gate, char c)
{
	skip_space(gate);
	if (gate->at == gate->end || *gate->at != c)
		return false;
	gate->at++;
	return true;
}

/* The four digits of \uXXXX at text, or -1. */
static long
hex4(const char *text, const char *end)
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
	unit = text[1] == 'u' ? hex4(text + 2, end) : -1;
	if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return 0;
	*point = (uint32_t)unit;
	if (unit < 0xd800 || unit > 0xdbff)
		return 6;
	low = end - text >= 12 && text[6] == '\\' && text[7] == 'u' ? hex4(text + 8, end) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	*point = 0x10000 + (((uint32_t)unit - 0xd800) << 10 | ((uint32_t)low - 0xdc00));
	return 12;
}

/* The size of the character of a string at `text`, escaped or not; 0 when it must not stand in one.
 */
static size_t
character_size(const char *text, const char *end, uint32_t *point)
{
	size_t size;

	if (*text == '\\')
		return json_escape_size(text, end, point);
	size = utf8_next(text, (size_t)(end - text), point);
	return size > 0 && *point >= 0x20 ? size : 0;
}

/* At the byte behind the opening quote; ends behind the closing one. */
static bool
gate_string(struct gate *gate)
{
	while (gate->at < gate->end && *gate->at != '"') {
		uint32_t point;
		size_t size = character_size(gate->at, gate->end, &point);

		if (size == 0)
			return fault(
			    gate,
			    "a byte or escape that no string may hold (a control byte, \\u0000, half a"
			    " surrogate pair, not UTF-8)");
		gate->at += size;
	}
	if (gate->at == gate->end)
		return fault(gate, "a string that does not end");
	gate->at++;
	return true;
}

/* FNV-1a over the code points, from a start that nobody outside knows. */
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

/* Equal after decoding: "a" and "\u0061" are one key. */
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

/* Its own slot, and the next one: of a key of the object whose keys begin at keys[first]. */
static size_t
slot_of(const struct key *key, size_t first)
{
	/* Knuth's multiplicative hashing: all bits of the hash decide on the upper ones. */
	return (uint32_t)((key->hash + (uint32_t)first) * 0x9e3779b1u) >> (32 - SLOT_BITS);
}

static size_t
next_slot(size_t slot)
{
	return (slot + 1) % COUNT_OF(slots);
}

/* Returns false if the object whose keys begin at keys[first] has one of that name. Other objects
 * that are open have the keys before. */
static bool
add_key(struct gate *gate, size_t first)
{
	const struct key *key = &keys[gate->key_count];
	size_t slot = slot_of(key, first);

	for (; slots[slot] > 0; slot = next_slot(slot)) {
		size_t index = slots[slot] - 1u;

		if (index >= first && keys[index].hash == key->hash && same_key(&keys[index], key))
			return false;
	}
	slots[slot] = (uint16_t)++gate->key_count;
	return true;
}

/* The keys of the object that is closed, or that ends in a fault. */
static void
forget_keys(struct gate *gate, size_t first)
{
	for (; gate->key_count > first; gate->key_count--) {
		size_t slot = slot_of(&keys[gate->key_count - 1], first);

		while (slots[slot] != gate->key_count)
			slot = next_slot(slot);
		slots[slot] = 0;
	}
}

/* The name and colon of a member of the object whose keys begin at keys[first]. */
static bool
gate_key(struct gate *gate, size_t first)
{
	struct key *key;

	if (!pass(gate, '"'))
		return fault(gate, "a member without a name in quotes");
	if (gate->key_count - first == JSON_OBJECT_KEYS_MAX)
		return fault(gate, "too many members");
	key = &keys[gate->key_count];
	key->text = gate->at;
	if (!gate_string(gate))
		return false;
	key->size = (uint32_t)(gate->at - key->text - 1);
	key->hash = hash_of(key);
	if (!add_key(gate, first))
		return fault(gate, "a name given twice in one object");
	if (!pass(gate, ':'))
		return fault(gate, "no colon after a name");
	return true;
}

static bool
gate_items(struct gate *gate, char close, size_t first)
{
	if (gate->depth > JSON_DEPTH_MAX)
		return fault(gate, "too many levels");
	if (pass(gate, close))
		return true;
	do {
		if (close == '}' && !gate_key(gate, first))
			return false;
		if (!gate_value(gate))
			return false;
	} while (pass(gate, ','));
	return pass(gate, close)
	       || fault(gate, close == '}' ? "no comma or } after a member"
	                                   : "no comma or ] after an item");
}

/* The members of an object or the items of an array, behind its opening bracket. */
static bool
gate_list(struct gate *gate, char close)
{
	size_t first = gate->key_count;
	bool good;

	gate->depth++;
	good = gate_items(gate, close, first);
	forget_keys(gate, first);
	gate->depth--;
	return good;
}

/* Postgres' decimals have 16,383 digits behind the point at most, also of a zero: jsonb takes no
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
gate_number(struct gate *gate)
{
	char number[NUMBER_MAX_BYTES];
	bool integer;
	size_t size = json_number_size(gate->at, (size_t)(gate->end - gate->at), &integer);
	struct buf copy;
	int64_t whole;
	double real;

	if (size == 0)
		return fault(gate, "something that is no JSON value");
	buf_init_fixed(&copy, number, sizeof(number));
	buf_add(&copy, gate->at, size);
	if (copy.overflow || is_exponent_long(number)
	    || !(integer ? parse_int(number, &whole) : parse_float(number, &real)))
		return fault(gate, "a number out of range");
	gate->at += size;
	return true;
}

static bool
gate_value(struct gate *gate)
{
	static const char *const words[] = { "true", "false", "null" };

	if (pass(gate, '"'))
		return gate_string(gate);
	if (pass(gate, '{'))
		return gate_list(gate, '}');
	if (pass(gate, '['))
		return gate_list(gate, ']');
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		size_t size = strlen(words[i]);

		if ((size_t)(gate->end - gate->at) >= size
		    && memcmp(gate->at, words[i], size) == 0) {
			gate->at += size;
			return true;
		}
	}
	return gate_number(gate);
}

bool
json_check(const char *text, size_t size, struct error *err)
{
	struct gate gate = { .start = text, .at = text, .end = text + size, .err = err };

	if (!gate_value(&gate))
		return false;
	skip_space(&gate);
	if (gate.at < gate.end)
		return fault(&gate, "text after the end");
	return true;
}
