/* keep_rows_sql.h - a statement that also keeps its own rows, in the same round trip
 *
 *     INSERT INTO notes … RETURNING id
 * becomes
 *     WITH np_work AS (INSERT INTO notes … RETURNING id), np_kept AS (keep) SELECT * FROM np_work
 *
 * so that what it returned and what it did are committed together. Ours, because Postgres has no
 * other way to use the rows of a statement that writes, and libpg_query is 20 MB for the one
 * question where the main statement of a WITH begins.
 */
#ifndef NULLPOOL_APP_KEEP_ROWS_SQL_H
#define NULLPOOL_APP_KEEP_ROWS_SQL_H

#include "base/attributes.h"
#include "base/buf.h"

/* `keep` is an INSERT that reads np_work; its $1, $2, … come after the `values` of sql. False: sql
 * is not a single SELECT, or an INSERT, UPDATE or DELETE with RETURNING, each with or without a
 * WITH before it. */
NP_MUST_CHECK bool keep_rows_sql(struct buf *out, const char *sql, size_t values, const char *keep);

#endif
