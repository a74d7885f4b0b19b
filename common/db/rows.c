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

/* A text that is no number leaves 0; Postgres sends none. */
static void
read_number(struct np_value *value)
{
	if (value->type == NP_TYPE_INT)
		(void)!parse_int(value->text, &value->integer);
	else if (value->type == NP_TYPE_FLOAT)
		value->number = strtod(value->text, NULL); /* NaN and Infinity too */
	else if (value->type == NP_TYPE_BOOL)
		value->boolean = *value->text == 't';
}

static struct np_value
field_value(const PGresult *result, int row, int column)
{
	struct np_value value = { .column_type = PQftype(result, column) };

	value.type = pgjson_value_type(value.column_type, &value.is_list);
	if (PQgetisnull(result, row, column))
		return value;
	value.text = PQgetvalue(result, row, column);
	value.present = true;
	if (!value.is_list)
		read_number(&value);
	return value;
}

struct np_value
np_field(const struct np_rows *rows, size_t row, const char *column)
{
	int at = 0;

	if (row >= np_rows_count(rows)) {
		misuse_note("np_field() of row %zu, and there are %zu", row, np_rows_count(rows));
		return np_null();
	}
	/* PQfnumber() would fold case and remove quotes. */
	while (at < PQnfields(rows->result) && strcmp(PQfname(rows->result, at), column) != 0)
		at++;
	if (at == PQnfields(rows->result)) {
		misuse_note("np_field() of column \"%s\", which the result does not have", column);
		return np_null();
	}
	return field_value(rows->result, (int)row, at);
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
	bool found = false;

	for (size_t i = 0; i < np_rows_count(stored); i++) {
		const struct np_value of = np_field(stored, i, "place"),
		                      record = np_field(stored, i, "record");

		if (np_is_null(of) || of.integer != (int64_t)place)
			continue;
		found = true;
		if (!np_is_null(record) && !composite_read(rows->result, record.text))
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
