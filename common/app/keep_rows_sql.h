/* keep_rows_sql.h - makes a statement also store its own rows, in the same round trip
 *
 *     INSERT INTO notes … RETURNING id
 * becomes
 *     WITH np_work AS (INSERT INTO notes … RETURNING id), np_stored AS (keep) SELECT * FROM np_work
 *
 * so that its work and its rows are committed together. It is our own code because Postgres has no
 * other way to use the rows of a statement that writes, and libpg_query has 20 MB for the one
 * question of where the main statement of a WITH begins.
 */
#ifndef NULLPOOL_APP_KEEP_ROWS_SQL_H
#define NULLPOOL_APP_KEEP_ROWS_SQL_H

#include "base/attributes.h"
#include "base/buf.h"

/* `keep` is an INSERT that reads np_work; its $1, $2, … follow the `values` of sql. Returns
 * false unless sql is a single SELECT, or an INSERT, UPDATE or DELETE with RETURNING, each with or
 * without a WITH before it. */
NP_MUST_CHECK bool keep_rows_sql(struct buf *out, const char *sql, size_t values, const char *keep);

#endif
