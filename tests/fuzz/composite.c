/* composite - rows as composite values: what is written is read back, and what is not a composite
 * value is rejected
 *
 * Input: a byte (the number of columns, and which of them are NULL), then the fields as lines. The
 * same bytes are also read as a composite value.
 */
#include "db/composite.h"

#include "fuzz.h"

enum { TEXT = 25, COLUMNS_MAX = 4 };

static PGresult *
table(int columns)
{
	static char name[] = "column";
	PGresAttDesc names[COLUMNS_MAX] = { { .name = NULL } };
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

	for (size_t i = 0; i < COLUMNS_MAX; i++) {
		names[i].name = name;
		names[i].typid = TEXT;
	}
	HOLDS(result && PQsetResultAttrs(result, columns, names) == 1);
	return result;
}

static void
same_rows(const PGresult *a, const PGresult *b)
{
	HOLDS(PQntuples(a) == PQntuples(b));
	for (int column = 0; column < PQnfields(a); column++) {
		HOLDS(PQgetisnull(a, 0, column) == PQgetisnull(b, 0, column));
		HOLDS(PQgetlength(a, 0, column) == PQgetlength(b, 0, column));
		HOLDS(strcmp(PQgetvalue(a, 0, column), PQgetvalue(b, 0, column)) == 0);
	}
}

/* Returns the first element of the JSON array of records. */
static const char *
only_record(void *owner, const PGresult *rows)
{
	struct json_object *json;
	struct buf out;
	const char *text;
	bool good;

	buf_init(&out, owner, 1 << 20);
	composite_write(&out, rows);
	json = json_read(out.data, out.size, &good);
	HOLDS(good && json_object_is_type(json, json_type_array)
	      && json_object_array_length(json) == 1);
	text = mem_strdup(owner, json_object_get_string(json_object_array_get_idx(json, 0)));
	(void)json_object_put(json);
	return text;
}

static void
write_and_read(void *owner, unsigned form, struct input *in)
{
	int columns = 1 + (int)(form % COLUMNS_MAX);
	PGresult *rows = table(columns), *again = table(columns);
	bool valid = true;

	for (int column = 0; column < columns; column++) {
		char *text = input_text(owner, in, '\n');
		bool null = form >> (2 + column) & 1;

		valid = valid && utf8_valid(text, strlen(text), NULL);
		HOLDS(
		    PQsetvalue(rows, 0, column, null ? NULL : text, null ? -1 : (int)strlen(text)));
	}
	/* Postgres sends only UTF-8; other bytes become U+FFFD. */
	if (valid) {
		HOLDS(composite_read(again, only_record(owner, rows)));
		same_rows(rows, again);
	}
	PQclear(rows);
	PQclear(again);
}

/* A text is accepted only if it begins and ends as a record and has the right number of fields. */
static void
read_any(void *owner, unsigned form, const char *text)
{
	int columns = 1 + (int)(form % COLUMNS_MAX);
	PGresult *rows = table(columns), *again = table(columns);

	if (composite_read(rows, text)) {
		HOLDS(text[0] == '(' && text[strlen(text) - 1] == ')');
		if (utf8_valid(text, strlen(text), NULL)) {
			HOLDS(composite_read(again, only_record(owner, rows)));
			same_rows(rows, again);
		}
	}
	PQclear(rows);
	PQclear(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size }, same;
	unsigned form = input_byte(&in);

	same = in;
	write_and_read(owner, form, &in);
	read_any(owner, form, input_rest(owner, &same));
	mem_free(owner);
	return 0;
}
