/* rows.h - the result of one query */
#ifndef NULLPOOL_DB_ROWS_H
#define NULLPOOL_DB_ROWS_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/clock.h"

/* Takes the result over, which is cleared with owner. */
RETURNS_OWNED struct np_rows *rows_new(void *owner, PGresult *result);

/* Makes rows again of those that were stored as composite values (composite.h). `stored` has the
 * columns place and record: of each place its records in order, with NULL for a place without rows.
 * The column names and types are those of `columns`. Returns NULL if the records do not fit them.
 */
struct np_rows *rows_replay(void *owner, const PGresult *columns, const struct np_rows *stored,
                            size_t place);

/* See types_learn(). */
int rows_learn_types(const struct np_rows *rows, PGconn *pg, bool open, struct deadline request,
                     bool *broken);

/* Appends all rows as composite values, in a JSON array. */
void rows_write_composites(const struct np_rows *rows, struct buf *out);

/* Returns a name that two columns have, which a JSON object cannot, or NULL. */
const char *rows_duplicate_column(const struct np_rows *rows);

/* Appends one row as {"column": value, …}: see pgjson.h. */
void rows_json(const struct np_rows *rows, size_t row, struct buf *out);

#endif
