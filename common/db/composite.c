#include "db/composite.h"

#include "base/mem.h"

/* --- writing --- */

static void
write_field(struct buf *out, const char *text)
{
	buf_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_char(out, *text);
		buf_char(out, *text);
	}
	buf_char(out, '"');
}

static void
write_row(struct buf *out, const PGresult *rows, int row)
{
	buf_char(out, '(');
	for (int column = 0; column < PQnfields(rows); column++) {
		if (column > 0)
			buf_char(out, ',');
		/* An empty field is NULL. */
		if (!PQgetisnull(rows, row, column))
			write_field(out, PQgetvalue(rows, row, column));
	}
	buf_char(out, ')');
}

void
composite_write(struct buf *out, const PGresult *rows)
{
	struct buf record;

	buf_init(&record, NULL, out->max);
	buf_char(out, '[');
	for (int row = 0; row < PQntuples(rows); row++) {
		if (row > 0)
			buf_char(out, ',');
		buf_reset(&record);
		write_row(&record, rows, row);
		buf_json_string(out, record.data, record.size);
		out->overflow = out->overflow || record.overflow;
	}
	buf_char(out, ']');
	buf_release(&record);
}

/* --- reading --- */

/* Reads a field from *at on, and leaves *at at the comma or parenthesis after it. Quotes may begin
 * anywhere in it. */
static void
read_field(const char **at, struct buf *field)
{
	bool quoted = false;

	for (; **at && (quoted || !strchr(",)", **at)); ++*at) {
		if (**at == '"' && !(quoted && (*at)[1] == '"')) {
			quoted = !quoted;
			continue;
		}
		if ((**at == '"' || **at == '\\') && (*at)[1])
			++*at;
		buf_char(field, **at);
	}
}

static void
set_field(PGresult *rows, int row, int column, const char **at)
{
	const char *start = *at;
	struct buf field;
	bool set;

	buf_init(&field, NULL, strlen(start));
	read_field(at, &field);
	/* PQsetvalue() copies. */
	set = *at == start ? PQsetvalue(rows, row, column, NULL, -1)
	                   : PQsetvalue(rows, row, column, field.data, (int)field.size);
	if (!set)
		mem_exhausted();
	buf_release(&field);
}

bool
composite_read(PGresult *rows, const char *text)
{
	int row = PQntuples(rows), columns = PQnfields(rows);

	if (*text != '(')
		return false;
	for (int column = 0; column < columns; column++) {
		text++;
		set_field(rows, row, column, &text);
		if (*text != (column + 1 < columns ? ',' : ')'))
			return false;
	}
	return columns > 0 && text[1] == '\0';
}
