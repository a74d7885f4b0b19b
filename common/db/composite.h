/* composite.h - rows as Postgres' composite values, (1,"a ""b""",), and back
 *
 * Each value keeps the text that it has in a result, while JSON would write times and numbers in
 * its own way. So rows that are stored as composite values can be read back unchanged. The server
 * makes one of a row by a cast to text.
 */
#ifndef NULLPOOL_DB_COMPOSITE_H
#define NULLPOOL_DB_COMPOSITE_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/buf.h"

/* Appends the rows as a JSON array of composite values. */
void composite_write(struct buf *out, const PGresult *rows);

/* Adds a row to a result that has its columns already. Returns false if the text is not a composite
 * value with as many fields. */
NP_MUST_CHECK bool composite_read(PGresult *rows, const char *text);

#endif
