/* rows.h - the result of one query */
#ifndef NULLPOOL_DB_ROWS_H
#define NULLPOOL_DB_ROWS_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/clock.h"

/* Takes the result over; it goes with owner. */
RETURNS_OWNED struct np_rows *rows_new(void *owner, PGresult *result);

/* What was kept of a result (record.h), as such a result again: `kept` has the columns place,
 * record, and of each place the records in order; NULL is a place without rows. NULL: it does not
 * fit what `columns` describes. */
struct np_rows *rows_replay(void *owner, const PGresult *columns, const struct np_rows *kept,
                            size_t place);

/* As types_learn(). */
int rows_learn_types(const struct np_rows *rows, PGconn *pg, bool open, struct deadline request,
                     bool *broken);

/* All rows as records, a JSON array. */
void rows_write_composites(const struct np_rows *rows, struct buf *out);

/* A name that two columns have, which an object cannot; NULL: there is none. */
const char *rows_duplicate_column(const struct np_rows *rows);

/* One row as {"column": value, …}, see pgjson.h. */
void rows_json(const struct np_rows *rows, size_t row, struct buf *out);

#endif
