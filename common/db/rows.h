/* rows.h - the result of one query */
#ifndef NULLPOOL_DB_ROWS_H
#define NULLPOOL_DB_ROWS_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/buf.h"

/* Takes the result over; it goes with owner. */
RETURNS_OWNED struct np_rows *rows_new(void *owner, PGresult *result);

/* One row as {"column": value, …}, see pgjson.h. */
void rows_json(const struct np_rows *rows, size_t row, struct buf *out);

#endif
