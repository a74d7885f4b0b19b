/* csv_rows.h - the rows of a statement as CSV (RFC 4180), see np_reply_csv() */
#ifndef NULLPOOL_APP_CSV_ROWS_H
#define NULLPOOL_APP_CSV_ROWS_H

#include "base/buf.h"
#include "db/rows.h"

#define CSV_MEDIA_TYPE "text/csv; charset=utf-8; header=present"

/* Appends the line of the columns' names, and that of one row. */
void csv_names(struct buf *out, const struct np_rows *rows);
void csv_row(struct buf *out, const struct np_rows *rows, size_t row);

#endif
