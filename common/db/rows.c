#include "db/rows.h"
#include "base/mem.h"
#include "base/misuse.h"
#include "base/text.h"
#include "db/composite.h"
#include "db/pgjson.h"
#include "db/types_learn.h"

struct np_rows {
	PGresult *result;
};

static void
clear_result(void *result)
{
	PQclear(result);
}

struct np_rows *
rows_new(void *owner, PGresult *result)
{
	struct np_rows *rows = mem_new(owner, struct np_rows);

	rows->result = result;
	mem_own(rows, result, clear_result);
	return rows;
}

size_t
np_rows_count(const struct np_rows *rows)
{
	return (size_t)PQntuples(rows->result);
}

struct np_value
np_field(const struct np_rows *rows, size_t row, const char *column)
{
	int at = 0;

	if (row >= np_rows_count(rows)) {
		misuse_note("np_field() of row %zu, and there are %zu", row, np_rows_count(rows));
		return np_text(NULL);
	}
	/* PQfnumber() would fold case and remove quotes. */
	while (at < PQnfields(rows->result) && strcmp(PQfname(rows->result, at), column) != 0)
		at++;
	if (at == PQnfields(rows->result)) {
		misuse_note("np_field() of column \"%s\", which the result does not have", column);
		return np_text(NULL);
	}
	if (PQgetisnull(rows->result, (int)row, at))
		return np_text(NULL);
	return (struct np_value){ .text = PQgetvalue(rows->result, (int)row, at),
		                  .column_type = PQftype(rows->result, at) };
}

int
rows_learn_types(const struct np_rows *rows, PGconn *pg, bool open, struct deadline request,
                 bool *broken)
{
	return types_learn(pg, rows->result, open, request, broken);
}

void
rows_write_composites(const struct np_rows *rows, struct buf *out)
{
	composite_write(out, rows->result);
}

/* Makes a result with these columns and no rows. */
static PGresult *
empty_result(const PGresult *columns)
{
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	int count = PQnfields(columns);
	PGresAttDesc *names = mem_array(NULL, PGresAttDesc, (size_t)count + 1);

	for (int column = 0; column < count; column++) {
		names[column].name = PQfname(columns, column);
		names[column].typid = PQftype(columns, column);
	}
	if (!result || (count > 0 && !PQsetResultAttrs(result, count, names)))
		mem_exhausted();
	mem_free(names);
	return result;
}

struct np_rows *
rows_replay(void *owner, const PGresult *columns, const struct np_rows *stored, size_t place)
{
	struct np_rows *rows = rows_new(owner, empty_result(columns));
	char wanted[INT_TEXT_BYTES];
	bool found = false;

	(void)text_of_int((int64_t)place, wanted);
	for (size_t i = 0; i < np_rows_count(stored); i++) {
		const char *of = np_field(stored, i, "place").text,
		           *record = np_field(stored, i, "record").text;

		if (!of || strcmp(of, wanted) != 0)
			continue;
		found = true;
		if (record && !composite_read(rows->result, record))
			return NULL;
	}
	return found ? rows : NULL;
}

const char *
rows_duplicate_column(const struct np_rows *rows)
{
	for (int column = 1; column < PQnfields(rows->result); column++)
		for (int other = 0; other < column; other++)
			if (strcmp(PQfname(rows->result, column), PQfname(rows->result, other))
			    == 0)
				return PQfname(rows->result, column);
	return NULL;
}

void
rows_json(const struct np_rows *rows, size_t row, struct buf *out)
{
	buf_char(out, '{');
	for (int column = 0; column < PQnfields(rows->result); column++) {
		if (column > 0)
			buf_char(out, ',');
		buf_json_text(out, PQfname(rows->result, column));
		buf_char(out, ':');
		if (PQgetisnull(rows->result, (int)row, column))
			buf_text(out, "null");
		else
			pgjson_value(out, PQftype(rows->result, column),
			             PQgetvalue(rows->result, (int)row, column),
			             (size_t)PQgetlength(rows->result, (int)row, column));
	}
	buf_char(out, '}');
}
