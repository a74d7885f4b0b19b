#include "db/rows.h"
#include "base/mem.h"
#include "base/misuse.h"
#include "base/text.h"
#include "db/pgjson.h"

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
	return rows ? (size_t)PQntuples(rows->result) : 0;
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

/* Returns PQnfields() if there is none. PQfnumber() would fold case and remove quotes. */
static int
find_column(const PGresult *result, const char *name, size_t size)
{
	int at = 0;

	while (at < PQnfields(result)
	       && (strncmp(PQfname(result, at), name, size) != 0 || PQfname(result, at)[size]))
		at++;
	return at;
}

struct np_value
np_field(const struct np_rows *rows, size_t row, const char *column)
{
	int at;

	if (!rows || !column) {
		misuse_note("np_field() of %s that is NULL", rows ? "a column" : "rows");
		return np_null();
	}
	if (row >= np_rows_count(rows)) {
		misuse_note("np_field() of row %zu, and there are %zu", row, np_rows_count(rows));
		return np_null();
	}
	at = find_column(rows->result, column, strlen(column));
	if (at == PQnfields(rows->result)) {
		misuse_note("np_field() of column \"%s\", which the result does not have", column);
		return np_null();
	}
	return field_value(rows->result, (int)row, at);
}

bool
rows_have_unknown_types(const struct np_rows *rows)
{
	return types_are_unknown(rows->result, TYPES_ALONE);
}

struct types_question
rows_learn_types(const struct np_rows *rows, PGconn *pg, enum types_mode mode,
                 struct deadline request)
{
	return types_learn(pg, rows->result, mode, request);
}

struct np_rows *
rows_of_one(void *owner, const struct rows_column *columns, size_t count)
{
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc *names = mem_array(NULL, PGresAttDesc, count + 1);
	char *name, *text;

	/* libpq's functions copy, and take no const. */
	for (size_t i = 0; i < count; i++) {
		name = mem_strdup(names, columns[i].name);
		names[i] = (PGresAttDesc){ .name = name, .typid = columns[i].type };
	}
	if (!result || (count > 0 && !PQsetResultAttrs(result, (int)count, names)))
		mem_exhausted();
	for (size_t i = 0; i < count; i++) {
		text = columns[i].text ? mem_strdup(names, columns[i].text) : NULL;
		if (!PQsetvalue(result, 0, (int)i, text, text ? (int)strlen(text) : -1))
			mem_exhausted();
	}
	mem_free(names);
	return rows_new(owner, result);
}

size_t
rows_columns(const struct np_rows *rows)
{
	return (size_t)PQnfields(rows->result);
}

const char *
rows_column_name(const struct np_rows *rows, size_t column)
{
	return PQfname(rows->result, (int)column);
}

struct np_value
rows_value(const struct np_rows *rows, size_t row, size_t column)
{
	return field_value(rows->result, (int)row, (int)column);
}

bool
rows_has_column(const struct np_rows *rows, const char *name, size_t size)
{
	return find_column(rows->result, name, size) < PQnfields(rows->result);
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

static bool
has_name(const struct np_names *names, const char *name)
{
	for (size_t i = 0; names && i < names->count; i++)
		if (strcmp(names->items[i], name) == 0)
			return true;
	return false;
}

void
rows_json(const struct np_rows *rows, size_t row, const struct np_names *omit, struct buf *out)
{
	bool first = true;

	buf_char(out, '{');
	for (int column = 0; column < PQnfields(rows->result); column++) {
		if (has_name(omit, PQfname(rows->result, column)))
			continue;
		if (!first)
			buf_char(out, ',');
		first = false;
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

void
rows_json_list(const struct np_rows *rows, size_t count, const struct np_names *omit,
               struct buf *out)
{
	buf_char(out, '[');
	for (size_t row = 0; row < count; row++) {
		if (row > 0)
			buf_char(out, ',');
		rows_json(rows, row, omit, out);
	}
	buf_char(out, ']');
}
