/* rows.h - the result of one query */
#ifndef NULLPOOL_DB_ROWS_H
#define NULLPOOL_DB_ROWS_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/clock.h"
#include "db/types_learn.h"

/* Takes the result over, which is cleared with owner. */
RETURNS_OWNED struct np_rows *rows_new(void *owner, PGresult *result);

struct rows_column {
	const char *name;
	Oid type;
	const char *text; /* in Postgres' text format; NULL is SQL's NULL */
};

/* Makes one row. Copies what it takes. */
RETURNS_OWNED struct np_rows *rows_of_one(void *owner, const struct rows_column *columns,
                                          size_t count);

/* See types_learn.h. */
bool rows_have_unknown_types(const struct np_rows *rows);
struct types_question rows_learn_types(const struct np_rows *rows, PGconn *pg, enum types_mode mode,
                                       struct deadline request);

/* For one column after the other. */
size_t rows_columns(const struct np_rows *rows);
const char *rows_column_name(const struct np_rows *rows, size_t column);
struct np_value rows_value(const struct np_rows *rows, size_t row, size_t column);

bool rows_has_column(const struct np_rows *rows, const char *name, size_t size);

/* Returns a name that two columns have, which a JSON object cannot, or NULL. */
const char *rows_duplicate_column(const struct np_rows *rows);

/* Appends one row as {"column": value, …}, without the columns `omit` (NULL:
 * with all): see pgjson.h. */
void rows_json(const struct np_rows *rows, size_t row, const struct np_names *omit,
               struct buf *out);
/* Appends the first `count` rows as [{…}, …]. */
void rows_json_list(const struct np_rows *rows, size_t count, const struct np_names *omit,
                    struct buf *out);

#endif
