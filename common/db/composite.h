/* composite.h - rows as Postgres writes them as composite values, (1,"a ""b""",), and back
 *
 * In it each value has the text that it has in a result, so rows that were kept so are the rows
 * that there were: JSON would write times and numbers in its own way. The server makes one of a row
 * by a cast to text; here is the other direction.
 */
#ifndef NULLPOOL_DB_COMPOSITE_H
#define NULLPOOL_DB_COMPOSITE_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/buf.h"

/* Rows as a JSON array of such texts. */
void composite_write(struct buf *out, const PGresult *rows);

/* Adds a row to a result that has its columns already. False: the text has not as many fields as
 * that, or is none. */
NP_MUST_CHECK bool composite_read(PGresult *rows, const char *text);

#endif
