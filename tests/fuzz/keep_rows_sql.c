/* wrap - a statement around a statement: the inner one stands in it unchanged, once, and inside of
 * its parentheses
 *
 * What is tried is whole: its quotes, comments and parentheses end. Postgres refuses others, and
 * they are a handler's own constants. Input: a byte (how many values), then SQL.
 */
#include "app/keep_rows_sql.h"

#include "fuzz.h"

#define KEEP "INSERT INTO kept SELECT $1, $2 FROM np_work"

/* Whether quotes, comments and brackets end where they should; written a second time, by
 * PostgreSQL's manual 4.1. */
struct reader {
	const char *at;
	int depth;
	bool good;
};

static void
read_to(struct reader *reader, const char *end)
{
	const char *found = strstr(reader->at, end);

	reader->good = reader->good && found;
	reader->at = found ? found + strlen(end) : reader->at + strlen(reader->at);
}

static bool
is_name(char c)
{
	return text_is_alnum(c) || c == '_' || (c & 0x80);
}

static void
read_string(struct reader *reader, bool escapes)
{
	for (; *reader->at && (*reader->at != '\'' || reader->at[1] == '\''); reader->at++)
		if (*reader->at == '\'' || (escapes && *reader->at == '\\' && reader->at[1]))
			reader->at++;
	reader->good = reader->good && *reader->at;
	reader->at += *reader->at != '\0';
}

static void
read_comment(struct reader *reader)
{
	int depth = 1;

	for (; *reader->at && depth > 0; reader->at++) {
		if (text_starts(reader->at, "/*") || text_starts(reader->at, "*/")) {
			depth += *reader->at == '/' ? 1 : -1;
			reader->at++;
		}
	}
	reader->good = reader->good && depth == 0;
}

static void
read_dollar(void *owner, struct reader *reader)
{
	const char *start = reader->at - 1, *end = reader->at;

	while (is_name(*end))
		end++;
	reader->at = end;
	if (*end != '$' || text_is_digit(start[1]))
		return;
	reader->at = end + 1;
	read_to(reader, mem_strndup(owner, start, (size_t)(end + 1 - start)));
}

static void
read_word(struct reader *reader)
{
	const char *start = reader->at;

	while (is_name(*reader->at) || *reader->at == '$')
		reader->at++;
	if (*reader->at == '\'' && reader->at - start == 1) {
		reader->at++;
		read_string(reader, *start == 'e' || *start == 'E');
	}
}

static bool
is_whole(void *owner, const char *sql)
{
	struct reader reader = { sql, 0, true };

	while (*reader.at && reader.good) {
		if (is_name(*reader.at)) {
			read_word(&reader);
			continue;
		}
		if (text_starts(reader.at, "--")) {
			reader.at += strcspn(reader.at, "\n");
			continue;
		}
		if (text_starts(reader.at, "/*")) {
			reader.at += 2;
			read_comment(&reader);
			continue;
		}
		switch (*reader.at++) {
		case '\'':
			read_string(&reader, false);
			break;
		case '"':
			read_to(&reader, "\"");
			break;
		case '$':
			read_dollar(owner, &reader);
			break;
		case '(':
		case '[':
			reader.depth++;
			break;
		case ')':
		case ']':
			reader.good = --reader.depth >= 0;
			break;
		case ';':
			reader.good = false;
			break;
		default:
			break;
		}
	}
	return reader.good && reader.depth == 0;
}

/* Without what was put in, it is the statement again; of one without a WITH, from its first word
 * on. */
static bool
is_around(void *owner, const char *wrapped, const char *sql)
{
	static const char first[] = "WITH np_work AS (", next[] = ", np_work AS (";

	/* The statement may itself begin with these words. */
	if (text_starts(wrapped, first) && text_ends(sql, wrapped + sizeof(first) - 1))
		return true;
	for (const char *at = strstr(wrapped, next); at; at = strstr(at + 1, next))
		if (strcmp(mem_printf(owner, "%.*s%s", (int)(at - wrapped), wrapped,
		                      at + sizeof(next) - 1),
		           sql)
		    == 0)
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	size_t values = input_byte(&in) % 10;
	const char *sql = input_rest(owner, &in), *tail;
	struct buf once, twice;

	buf_init(&once, owner, 1 << 20);
	buf_init(&twice, owner, 1 << 20);
	if (keep_rows_sql(&once, sql, values, KEEP)) {
		tail = mem_printf(
		    owner,
		    "\n), np_stored AS (INSERT INTO kept SELECT $%zu, $%zu FROM np_work)"
		    " SELECT * FROM np_work",
		    values + 1, values + 2);
		HOLDS(text_ends(once.data, tail));
		HOLDS(
		    is_around(owner, mem_strndup(owner, once.data, once.size - strlen(tail)), sql));
		if (is_whole(owner, sql)) {
			HOLDS(is_whole(owner, once.data));
			/* It is a SELECT behind a WITH, so it can be wrapped as any other. */
			HOLDS(keep_rows_sql(&twice, once.data, values, KEEP));
		}
	} else if (is_whole(owner, sql)) {
		/* Nothing but these begins one. */
		HOLDS(!text_starts(sql, "SELECT "));
	}
	mem_free(owner);
	return 0;
}
