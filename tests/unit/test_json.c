#include <time.h>

#include "base/buf.h"
#include "http/json.h"
#include "http/json_check.h"
#include "unit.h"

/* A text that may contain NUL, and its size. */
#define BYTES(literal) literal, sizeof(literal) - 1

static const struct check_row {
	const char *about;
	const char *text;
	size_t size;
	bool valid;
} check_rows[] = {
	{ "empty object", BYTES("{}"), true },
	{ "white space of all kinds", BYTES(" \t\r\n{ \"a\" : [ 1 , 2 ] } \n"), true },
	{ "all words", BYTES("[true,false,null]"), true },
	{ "text alone", BYTES("\"a\""), true },
	{ "number alone", BYTES("-1.5e+10"), true },
	{ "word alone", BYTES("null"), true },
	{ "all escapes", BYTES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00\""), true },
	{ "code points next to the surrogates", BYTES("\"\\ud7ff\\ue000\""), true },
	{ "UTF-8 of each length", BYTES("\"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""), true },
	{ "DEL", BYTES("\"\x7f\""), true },
	{ "empty key", BYTES("{\"\":1}"), true },
	{ "keys that differ by case", BYTES("{\"a\":1,\"A\":2}"), true },
	{ "a key that begins like another", BYTES("{\"a\":1,\"ab\":2,\"\":3}"), true },
	{ "equal keys in different objects",
	  BYTES("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":2}]}"), true },
	{ "equal keys in an inner object and after it", BYTES("{\"a\":{\"b\":1},\"b\":2}"), true },
	{ "keys that differ by normalisation", BYTES("{\"\xc3\xa9\":1,\"e\xcc\x81\":2}"), true },
	{ "largest integer", BYTES("9223372036854775807"), true },
	{ "smallest integer", BYTES("-9223372036854775808"), true },
	{ "minus zero", BYTES("-0"), true },
	{ "large, but finite", BYTES("1e308"), true },
	{ "the smallest double", BYTES("5e-324"), true },
	{ "zero with the longest exponents", BYTES("[0e-9999,0E9999,0e+9999]"), true },

	{ "empty", BYTES(""), false },
	{ "white space only", BYTES(" \n"), false },
	{ "byte order mark", BYTES("\xef\xbb\xbf{}"), false },
	{ "text after the end", BYTES("{} x"), false },
	{ "two values", BYTES("{}{}"), false },
	{ "NUL after the end", BYTES("{}\0"), false },
	{ "NUL before the value", BYTES("\0{}"), false },
	{ "NUL between the parts", BYTES("{\"a\"\0:1}"), false },
	{ "comment", BYTES("{/* */}"), false },
	{ "line comment", BYTES("// x\n{}"), false },
	{ "form feed is no white space", BYTES("{\f}"), false },
	{ "no-break space is no white space", BYTES("\xc2\xa0{}"), false },
	{ "object not closed", BYTES("{\"a\":1"), false },
	{ "array not closed", BYTES("[1,2"), false },
	{ "closed by the other bracket", BYTES("[1}"), false },
	{ "closed too often", BYTES("[1]]"), false },
	{ "comma before the end of an object", BYTES("{\"a\":1,}"), false },
	{ "comma before the end of an array", BYTES("[1,]"), false },
	{ "comma first", BYTES("[,1]"), false },
	{ "two commas", BYTES("[1,,2]"), false },
	{ "no comma", BYTES("[1 2]"), false },
	{ "no colon", BYTES("{\"a\" 1}"), false },
	{ "no value", BYTES("{\"a\":}"), false },
	{ "no quotes around a key", BYTES("{a:1}"), false },
	{ "a number as key", BYTES("{1:1}"), false },
	{ "single quotes", BYTES("{'a':1}"), false },

	{ "duplicate key", BYTES("{\"a\":1,\"a\":1}"), false },
	{ "duplicate key, one escaped", BYTES("{\"a\":1,\"\\u0061\":2}"), false },
	{ "duplicate key, escaped in two ways", BYTES("{\"\\u00e9\":1,\"\xc3\xa9\":2}"), false },
	{ "duplicate key, pair and UTF-8", BYTES("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"),
	  false },
	{ "duplicate key, slash", BYTES("{\"\\/\":1,\"/\":2}"), false },
	{ "duplicate key, case of the digits", BYTES("{\"\\u00E9\":1,\"\\u00e9\":2}"), false },
	{ "duplicate empty key", BYTES("{\"\":1,\"\":2}"), false },
	{ "duplicate key after an inner object", BYTES("{\"a\":{\"b\":1},\"a\":2}"), false },
	{ "duplicate key inside", BYTES("{\"x\":[{\"a\":1,\"a\":2}]}"), false },
	{ "duplicate key, not next to each other", BYTES("{\"a\":1,\"b\":2,\"a\":3}"), false },

	{ "escaped NUL", BYTES("\"a\\u0000b\""), false },
	{ "escaped NUL in a key", BYTES("{\"a\\u0000b\":1}"), false },
	{ "raw NUL in a string", BYTES("\"a\0b\""), false },
	{ "raw line feed in a string", BYTES("\"a\nb\""), false },
	{ "raw tab in a string", BYTES("\"a\tb\""), false },
	{ "raw control byte in a key", BYTES("{\"\x01\":1}"), false },
	{ "high surrogate alone", BYTES("\"\\ud800\""), false },
	{ "low surrogate alone", BYTES("\"\\udc00\""), false },
	{ "high surrogate, then a letter", BYTES("\"\\ud83dx12345\""), false },
	{ "two high surrogates", BYTES("\"\\ud83d\\ud83d\""), false },
	{ "high surrogate, then a code point above the low ones", BYTES("\"\\ud83d\\ue000\""),
	  false },
	{ "surrogate pair in reverse order", BYTES("\"\\ude00\\ud83d\""), false },
	{ "lone surrogate in a key", BYTES("{\"\\ud800\":1}"), false },
	{ "unknown escape", BYTES("\"\\x41\""), false },
	{ "escape in capitals", BYTES("\"\\N\""), false },
	{ "escaped NUL byte", BYTES("\"\\\0\""), false },
	{ "three digits", BYTES("\"\\u004\""), false },
	{ "no digit", BYTES("\"\\u004g\""), false },
	{ "string that does not end", BYTES("\"abc"), false },
	{ "string that ends with an escape", BYTES("\"abc\\\""), false },
	{ "text ends inside an escape", BYTES("\"\\u00"), false },
	{ "text ends with a backslash", BYTES("\"\\"), false },
	{ "overlong UTF-8", BYTES("\"\xc0\xaf\""), false },
	{ "surrogate as UTF-8", BYTES("\"\xed\xa0\x80\""), false },
	{ "above U+10FFFF", BYTES("\"\xf4\x90\x80\x80\""), false },
	{ "truncated UTF-8", BYTES("\"\xe2\x82\""), false },
	{ "Latin-1", BYTES("\"\xe9\""), false },
	{ "not UTF-8 in a key", BYTES("{\"\xff\":1}"), false },

	{ "NaN", BYTES("[NaN]"), false },
	{ "Infinity", BYTES("Infinity"), false },
	{ "minus Infinity", BYTES("-Infinity"), false },
	{ "above the largest double", BYTES("1e400"), false },
	{ "below the smallest double", BYTES("[-1e400]"), false },
	{ "too small for a double", BYTES("1e-400"), false },
	{ "more decimals than Postgres' numeric can hold", BYTES("0e-20000"), false },
	{ "more than 63 bytes",
	  BYTES("0.0000000000000000000000000000000000000000000000000000000000000001"), false },
	{ "a long exponent", BYTES("[1E+00001]"), false },
	{ "one more than the largest integer", BYTES("9223372036854775808"), false },
	{ "one less than the smallest integer", BYTES("-9223372036854775809"), false },
	{ "far too large an integer", BYTES("[123456789012345678901234567890]"), false },
	{ "leading zero", BYTES("01"), false },
	{ "leading zero after a minus", BYTES("-01"), false },
	{ "plus", BYTES("+1"), false },
	{ "no digit before the point", BYTES(".5"), false },
	{ "no digit after the point", BYTES("5."), false },
	{ "no digit in the exponent", BYTES("1e"), false },
	{ "minus alone", BYTES("-"), false },
	{ "hexadecimal", BYTES("0x10"), false },
	{ "word in capitals", BYTES("True"), false },
	{ "word cut short", BYTES("tru"), false },
	{ "word with a letter too many", BYTES("nullx"), false },
};

/* Each text has a block of its own size, so that a sanitizer sees a read past the end. */
static void
the_check_accepts_i_json_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(check_rows); i++) {
		const struct check_row *row = &check_rows[i];
		char *text = malloc(row->size ? row->size : 1);
		struct error err = { .kind = 0 };
		bool valid;

		assert_non_null(text);
		memcpy(text, row->text, row->size);
		valid = json_check(text, row->size, &err);
		free(text);
		row_int(row, valid, row->valid);
		if (!valid) {
			row_int(row, err.kind, FAILURE_MALFORMED);
			row_true(row, strstr(err.message, "byte") != NULL);
		}
	}
}

/* Each text has a block of its own size, without a NUL. */
static void
an_accepted_value_is_read_unchanged(void **state)
{
	for (size_t i = 0; i < COUNT_OF(check_rows); i++) {
		const struct check_row *row = &check_rows[i];
		size_t size = row->size + sizeof("{\"\":}") - 1;
		char *text = malloc(size + 1);
		struct json_body body;
		const char *json;
		struct error err;

		if (!row->valid) {
			free(text);
			continue;
		}
		assert_non_null(text);
		(void)snprintf(text, size + 1, "{\"\":%.*s}", (int)row->size, row->text);
		text = realloc(text, size);
		row_true(row, json_body_read(*state, text, size, &body, &err));
		row_int(row, body.count, 1);
		json = json_compact(*state, &body.members[0]);
		row_true(row, json_check(json, strlen(json), &err));
		free(text);
	}
}

static void
an_error_names_its_byte(void **state)
{
	struct error err;

	(void)state;
	assert_false(json_check("{\"a\": nan}", 10, &err));
	assert_non_null(strstr(err.message, "byte 6"));
}

/* Returns `open` count times, then `inside`, then `close` count times. */
static struct buf
nested(void *owner, const char *open, const char *inside, const char *close, int count)
{
	struct buf text;

	buf_init(&text, owner, 65536);
	for (int i = 0; i < count; i++)
		buf_text(&text, open);
	buf_text(&text, inside);
	for (int i = 0; i < count; i++)
		buf_text(&text, close);
	return text;
}

static void
levels_are_counted(void **state)
{
	struct error err;
	struct buf text = nested(*state, "[", "", "]", JSON_DEPTH_MAX);

	assert_true(json_check(text.data, text.size, &err));
	text = nested(*state, "[", "", "]", JSON_DEPTH_MAX + 1);
	assert_false(json_check(text.data, text.size, &err));
	text = nested(*state, "{\"a\":", "1", "}", JSON_DEPTH_MAX);
	assert_true(json_check(text.data, text.size, &err));
	text = nested(*state, "{\"a\":", "1", "}", JSON_DEPTH_MAX + 1);
	assert_false(json_check(text.data, text.size, &err));
	assert_int_equal(err.kind, FAILURE_MALFORMED);
	/* Arrays beside each other do not add up. */
	text = nested(*state, "[[],", "[]", "]", JSON_DEPTH_MAX - 1);
	assert_true(json_check(text.data, text.size, &err));
}

static void
a_text_of_too_many_levels_is_refused_early(void **state)
{
	struct error err;
	struct buf text;

	buf_init(&text, *state, 1 << 20);
	for (int i = 0; i < 1 << 20; i++)
		buf_char(&text, '[');
	assert_false(json_check(text.data, text.size, &err));
}

/* Each level has the maximum of keys, the last of them for the next level: the keys of all levels
 * are in the table at once. */
static void
keys_of_all_levels_are_compared(void **state)
{
	struct error err;
	struct buf text;

	buf_init(&text, *state, 1 << 20);
	for (int level = 0; level < JSON_DEPTH_MAX; level++)
		for (int i = 0; i < JSON_OBJECT_KEYS_MAX; i++)
			buf_printf(&text, "%s\"k%d\":%s", i ? "," : "{", i,
			           i + 1 < JSON_OBJECT_KEYS_MAX ? "0" : "");
	buf_char(&text, '0');
	for (int level = 0; level < JSON_DEPTH_MAX; level++)
		buf_char(&text, '}');
	assert_true(json_check(text.data, text.size, &err));
	/* After the inner objects the keys of the outermost are still in the table. */
	text.size--;
	buf_text(&text, ",\"k0\":1}");
	assert_false(json_check(text.data, text.size, &err));
}

/* A closed object leaves nothing behind: only the size of a body bounds the number of objects. */
static void
objects_beside_each_other_do_not_add_up(void **state)
{
	struct error err;
	struct buf text;

	buf_init(&text, *state, 1 << 20);
	for (int i = 0; i < 50000; i++)
		buf_text(&text, i ? ",{\"a\":1,\"b\":{}}" : "[{\"a\":1,\"b\":{}}");
	buf_char(&text, ']');
	assert_true(json_check(text.data, text.size, &err));
}

/* Returns the best processor time of five runs for 150,000 members in objects of `in_one` each. */
static clock_t
time_of_members(void *owner, int in_one)
{
	clock_t best = 0;
	struct error err;
	struct buf text;

	buf_init(&text, owner, 1 << 21);
	for (int i = 0; i < 150 * JSON_OBJECT_KEYS_MAX; i++)
		buf_printf(&text, "%s\"%03x\":1",
		           i == 0       ? "[{"
		           : i % in_one ? ","
		                        : "},{",
		           (unsigned)(i % in_one));
	buf_text(&text, "}]");
	for (int i = 0; i < 5; i++) {
		clock_t start = clock();

		assert_true(json_check(text.data, text.size, &err));
		start = clock() - start;
		best = i == 0 || start < best ? start : best;
	}
	return best;
}

/* When keys were compared in pairs, large objects took several times as long as small ones. */
static void
keys_of_large_objects_take_no_longer(void **state)
{
	assert_true(time_of_members(*state, JSON_OBJECT_KEYS_MAX)
	            < 3 * time_of_members(*state, 10));
}

static void
an_error_leaves_no_keys_behind(void **state)
{
	static const char broken[] = "{\"a\":{\"b\":{\"a\":1,\"c\":}}}";
	static const char valid[] = "{\"a\":{\"b\":{\"a\":1,\"c\":2}}}";
	struct error err;

	(void)state;
	assert_false(json_check(broken, sizeof(broken) - 1, &err));
	assert_true(json_check(valid, sizeof(valid) - 1, &err));
}

static void
keys_are_counted_in_each_object(void **state)
{
	struct error err;
	struct buf text;

	for (int more = 0; more <= 1; more++) {
		buf_init(&text, *state, 65536);
		for (int i = 0; i < JSON_OBJECT_KEYS_MAX + more; i++)
			buf_printf(&text, "%c\"k%d\":0", i ? ',' : '{', i);
		buf_char(&text, '}');
		assert_int_equal(json_check(text.data, text.size, &err), more == 0);
	}
}

/* --- the body --- */

static void
members_have_a_kind_and_a_text(void **state)
{
	static const struct {
		const char *name;
		enum json_kind kind;
		const char *text;
	} wanted[] = {
		{ "null", JSON_NULL, "null" },
		{ "bool", JSON_BOOL, "true" },
		{ "int", JSON_INT, "-9223372036854775808" },
		{ "zero", JSON_INT, "0" },
		{ "float", JSON_FLOAT, "1.10" },
		{ "exponent", JSON_FLOAT, "1e3" },
		{ "string", JSON_STRING, "a \"b\"\n\xc3\xa9\xf0\x9f\x98\x80" },
		{ "array", JSON_ARRAY, NULL },
		{ "object", JSON_OBJECT, NULL },
	};
	static const char text[] =
	    "{\"null\": null, \"bool\": true, \"int\": -9223372036854775808, \"zero\": 0,"
	    "\"float\": 1.10, \"exponent\": 1e3,"
	    "\"string\": \"a \\\"b\\\"\\n\\u00e9\\ud83d\\ude00\","
	    "\"array\": [1, \"a\"], \"object\": {\"a\": null}}";
	struct json_body body;
	struct error err;

	assert_true(json_body_read(*state, text, sizeof(text) - 1, &body, &err));
	assert_int_equal(body.count, COUNT_OF(wanted));
	for (size_t i = 0; i < body.count; i++) {
		assert_string_equal(body.members[i].name, wanted[i].name);
		assert_int_equal(body.members[i].kind, wanted[i].kind);
		if (wanted[i].text)
			assert_string_equal(body.members[i].text, wanted[i].text);
		else
			assert_null(body.members[i].text);
	}
}

static void
json_loses_its_white_space_and_nothing_else(void **state)
{
	static const char text[] =
	    "{\"a\" :\t[ 1 , -2.50e+3,\r\n\" \\\" , \\u0041 \\\\\", { \"b\\\"\" : [ ] ,\"c\":{ } } , true,null ]\n}";
	struct json_body body;
	struct error err;

	assert_true(json_body_read(*state, text, sizeof(text) - 1, &body, &err));
	assert_string_equal(
	    json_compact(*state, &body.members[0]),
	    "[1,-2.50e+3,\" \\\" , \\u0041 \\\\\",{\"b\\\"\":[],\"c\":{}},true,null]");
}

static void
items_are_read_in_order(void **state)
{
	static const char text[] =
	    "{\"a\": [ \"x,]\" , [ 1 , [2] ],{\"b\":[3]}, -4 , null ] , \"e\": [ ]}";
	static const struct {
		const char *about;
		enum json_kind kind;
		const char *json;
	} wanted[] = {
		{ "a string", JSON_STRING, "\"x,]\"" },
		{ "an array", JSON_ARRAY, "[1,[2]]" },
		{ "an object", JSON_OBJECT, "{\"b\":[3]}" },
		{ "a number", JSON_INT, "-4" },
		{ "a word", JSON_NULL, "null" },
	};
	struct json_items items;
	struct json_member item;
	struct json_body body;
	struct error err;

	assert_true(json_body_read(*state, text, sizeof(text) - 1, &body, &err));
	items = json_items(&body.members[0]);
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		row_true(&wanted[i], json_next_item(*state, &items, &item));
		row_int(&wanted[i], item.kind, wanted[i].kind);
		row_true(&wanted[i], strcmp(json_compact(*state, &item), wanted[i].json) == 0);
		assert_null(item.name);
	}
	assert_false(json_next_item(*state, &items, &item));
	items = json_items(&body.members[1]);
	assert_false(json_next_item(*state, &items, &item));
}

static void
objects_are_read_level_by_level(void **state)
{
	static const char text[] = " { \"a\" : { \"b\" : { \"c\" : 1 } , \"d\" : \"}\" } } ";
	struct json_body body, inner;
	struct error err;

	assert_true(json_body_read(*state, text, sizeof(text) - 1, &body, &err));
	json_members(*state, &body.members[0], &inner);
	assert_int_equal(inner.count, 2);
	assert_string_equal(inner.members[0].name, "b");
	assert_int_equal(inner.members[0].kind, JSON_OBJECT);
	assert_string_equal(inner.members[1].text, "}");
	json_members(*state, &inner.members[0], &inner);
	assert_int_equal(inner.count, 1);
	assert_string_equal(inner.members[0].text, "1");
}

static void
an_escaped_name_is_decoded(void **state)
{
	static const char text[] = "{\"\\u0061\\/\": 1}";
	struct json_body body;
	struct error err;

	assert_true(json_body_read(*state, text, sizeof(text) - 1, &body, &err));
	assert_string_equal(body.members[0].name, "a/");
}

/* Some readers turn them into U+FFFD. */
static void
code_points_that_end_like_a_surrogate_are_decoded(void **state)
{
	static const char text[] =
	    "{\"\\ud836\\udc00\": \"\\uD836\\uDFFF\\ud877\\udfff\\\\ud836\\u00e9\"}";
	struct json_body body;
	struct error err;

	assert_true(json_body_read(*state, text, sizeof(text) - 1, &body, &err));
	assert_string_equal(body.members[0].name, "\xf0\x9d\xa0\x80");
	assert_string_equal(body.members[0].text,
	                    "\xf0\x9d\xaf\xbf\xf0\xad\xbf\xbf\\ud836\xc3\xa9");
}

static void
an_empty_object_has_no_members(void **state)
{
	struct json_body body;
	struct error err;

	assert_true(json_body_read(*state, " {} ", 4, &body, &err));
	assert_int_equal(body.count, 0);
}

static void
a_body_that_is_not_an_object_is_invalid(void **state)
{
	static const char *const others[] = { "[]", "[{}]", "\"{}\"", "1",
		                              "-0", "1.5",  "true",   "null" };

	for (size_t i = 0; i < COUNT_OF(others); i++) {
		struct json_body body;
		struct error err;

		assert_false(json_body_read(*state, others[i], strlen(others[i]), &body, &err));
		if (err.kind != FAILURE_INVALID)
			fail_msg("%s: %s", others[i], err.message);
	}
}

static void
a_body_that_is_not_json_is_malformed(void **state)
{
	struct json_body body;
	struct error err;

	assert_false(json_body_read(*state, "{\"a\":1,\"a\":2}", 13, &body, &err));
	assert_int_equal(err.kind, FAILURE_MALFORMED);
	assert_false(json_body_read(*state, "", 0, &body, &err));
	assert_int_equal(err.kind, FAILURE_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_check_accepts_i_json_and_nothing_else),
		TEST(an_accepted_value_is_read_unchanged),
		TEST(an_error_names_its_byte),
		TEST(levels_are_counted),
		TEST(a_text_of_too_many_levels_is_refused_early),
		TEST(keys_of_all_levels_are_compared),
		TEST(objects_beside_each_other_do_not_add_up),
		TEST(keys_of_large_objects_take_no_longer),
		TEST(an_error_leaves_no_keys_behind),
		TEST(keys_are_counted_in_each_object),
		TEST(members_have_a_kind_and_a_text),
		TEST(json_loses_its_white_space_and_nothing_else),
		TEST(items_are_read_in_order),
		TEST(objects_are_read_level_by_level),
		TEST(an_escaped_name_is_decoded),
		TEST(code_points_that_end_like_a_surrogate_are_decoded),
		TEST(an_empty_object_has_no_members),
		TEST(a_body_that_is_not_an_object_is_invalid),
		TEST(a_body_that_is_not_json_is_malformed),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
