/* pgjson - a column's text as JSON: any text gives valid JSON, and what Postgres sends keeps its
 * value
 *
 * Input: two bytes for the column's type, then its text. For an array, the lines of the text are
 * its elements.
 */
#include "db/pgjson.h"

#include <math.h>

#include "fuzz.h"
#include "http/json_check.h"

static const uint32_t oids[] = { 16,   21,   23,   20,   26,   700,  701, 1700, 114,
	                         3802, 1114, 1184, 25,   1043, 1042, 18,  19,   17,
	                         2950, 1082, 1083, 1266, 1186, 869,  650, 600 };

enum {
	OID_BOOL = 16,
	OID_JSON = 114,
	OID_JSONB = 3802,
	OID_NUMERIC = 1700,
	OID_TIMESTAMPTZ = 1184,
	OID_TEXT_ARRAY = 1009,
	OID_FLOAT_ARRAY = 1022
};

/* Returns true if the server can send the text as a value of the type. pgjson copies values of
 * these types unchanged; it parses those of the other types and always writes valid JSON. */
static bool
can_be_sent(uint32_t oid, const char *text, size_t size)
{
	struct error err;
	int64_t number;

	switch (oid) {
	case OID_BOOL:
		return strcmp(text, "t") == 0 || strcmp(text, "f") == 0;
	case 20:
	case 21:
	case 23:
	case 26:
		return parse_int(text, &number) && !(text[0] == '0' && text[1])
		       && !text_starts(text, "-0");
	case OID_JSON:
	case OID_JSONB:
		/* Postgres has checked json and jsonb. What it accepts beyond the gate is not
		 * tested here. */
		return json_check(text, size, &err);
	default:
		return true;
	}
}

static struct json_object *
json_of(const struct buf *out)
{
	bool good;
	struct json_object *json = json_read(out->data, out->size, &good);

	HOLDS(!out->overflow && good);
	/* The JSON is one line, so that a page of rows is one line too. */
	HOLDS(!strpbrk(out->data, "\n\r"));
	return json;
}

static void
check_value(uint32_t oid, const char *text, size_t size, struct json_object *json)
{
	bool is_text = utf8_valid(text, size, NULL);

	if (oid == OID_BOOL) {
		HOLDS(json_object_get_boolean(json) == (*text == 't'));
	} else if (oid == OID_NUMERIC || oid == 700 || oid == 701) {
		/* A number, or a string with its text; only an invalid number is null. */
		bool integer,
		    is_number = size > 0 && json_number_size(text, size, &integer) == size;

		HOLDS(is_number == (json != NULL));
		HOLDS(!json_object_is_type(json, json_type_string)
		      || same_text(json_object_get_string(json), text));
	} else if (oid == 1114 || oid == OID_TIMESTAMPTZ) {
		HOLDS(json_object_is_type(json, json_type_string));
	} else if (json_object_is_type(json, json_type_string) && oid != OID_JSON
	           && oid != OID_JSONB) {
		HOLDS(!is_text || same_text(json_object_get_string(json), text));
	}
}

static void
one_value(void *owner, uint32_t oid, struct input *in)
{
	const char *text = input_rest(owner, in);
	size_t size = strlen(text);
	struct json_object *json;
	struct buf out;

	if (!can_be_sent(oid, text, size))
		return;
	buf_init(&out, owner, 1 << 20);
	pgjson_value(&out, oid, text, size);
	json = json_of(&out);
	check_value(oid, text, size, json);
	(void)json_object_put(json);
}

/* As array_out() writes an element. */
static void
write_element(struct buf *out, const char *text)
{
	bool quoted = !*text || strpbrk(text, "{}\",\\ \t\n\r\v\f")
	              || text_equal_nocase(text, "NULL");

	if (quoted)
		buf_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_char(out, '\\');
		buf_char(out, *text);
	}
	if (quoted)
		buf_char(out, '"');
}

/* The element "-" stands for NULL. */
static void
an_array(void *owner, uint32_t oid, struct input *in)
{
	const char *elements[64];
	struct json_object *json;
	struct buf text, out;
	size_t count = 0;

	buf_init(&text, owner, 1 << 20);
	buf_text(&text, in->left % 3 == 0 ? "[0:1]={" : "{");
	while (in->left > 0 && count < COUNT_OF(elements)) {
		elements[count] = input_text(owner, in, '\n');
		if (count > 0)
			buf_char(&text, ',');
		if (strcmp(elements[count], "-") == 0)
			buf_text(&text, "NULL");
		else
			write_element(&text, elements[count]);
		count++;
	}
	buf_char(&text, '}');
	buf_init(&out, owner, 1 << 20);
	pgjson_value(&out, oid, text.data, text.size);
	json = json_of(&out);
	HOLDS(json_object_is_type(json, json_type_array)
	      && json_object_array_length(json) == count);
	for (size_t i = 0; i < count; i++) {
		struct json_object *one = json_object_array_get_idx(json, i);

		if (strcmp(elements[i], "-") == 0)
			HOLDS(one == NULL);
		else if (oid == OID_TEXT_ARRAY
		         && utf8_valid(elements[i], strlen(elements[i]), NULL))
			HOLDS(same_text(json_object_get_string(one), elements[i]));
	}
	(void)json_object_put(json);
}

/* A text that is not an array must not cause a read or write out of bounds. */
static void
no_array(void *owner, struct input *in)
{
	const char *text = input_rest(owner, in);
	struct buf out;

	buf_init(&out, owner, 1 << 20);
	pgjson_value(&out, OID_TEXT_ARRAY, text, strlen(text));
	HOLDS(strlen(out.data) == out.size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	unsigned form = input_byte(&in) % 4;
	uint32_t oid = oids[input_byte(&in) % COUNT_OF(oids)];

	if (form < 2)
		one_value(owner, oid, &in);
	else if (form == 2)
		an_array(owner, oid % 2 ? OID_FLOAT_ARRAY : OID_TEXT_ARRAY, &in);
	else
		no_array(owner, &in);
	mem_free(owner);
	return 0;
}
