/* claim.h - what makes a transaction one that is done once: its key is claimed first, and what came
 * of it is kept with it
 *
 * The claim travels before the first statement. The marked one is wrapped (wrap.h), so that its
 * rows are kept in the same round trip, with those of the statements before it: what was answered
 * follows from them, and the same request gets the same rows again. A transaction without a mark,
 * or whose statement cannot be wrapped, keeps its answer with the commit instead.
 */
#ifndef NULLPOOL_DB_CLAIM_H
#define NULLPOOL_DB_CLAIM_H

#include "base/attributes.h"
#include "base/buf.h"
#include "db/rows.h"

/* Of the rows of a transaction as they are kept. */
#define CLAIM_ROWS_MAX_BYTES (1 << 20)

struct claim {
	const char *sql; /* raises an error where nothing must be done; NULL: there is no claim */
	struct np_values values;
	/* For keep_rows_sql(): its parameters are `values`, and then the rows of earlier
	 * statements, a JSON array of an array of records for each. */
	const char *keep;
	struct buf earlier; /* those, without the last bracket */
};

/* All but earlier is set. Its memory belongs to owner. */
void claim_init(struct claim *claim, void *owner);

/* The handler begins again. */
void claim_reset(struct claim *claim);

/* A statement that was not the marked one is done. */
void claim_note(struct claim *claim, const struct np_rows *rows);

/* The marked statement becomes one that keeps its rows. False: it cannot, and is as it was. */
NP_MUST_CHECK bool claim_wrap(struct claim *claim, void *owner, const char **sql,
                              struct np_values *values);

#endif
