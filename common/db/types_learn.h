/* types_learn.h - asks Postgres, once per process and type, what a result's unknown types are
 *
 * The answer serves this process for good, and so does a refusal. A server that was too slow, or
 * went away, is asked again. Without an answer a value of such a type is a string.
 */
#ifndef NULLPOOL_DB_TYPES_LEARN_H
#define NULLPOOL_DB_TYPES_LEARN_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/clock.h"

enum types_mode {
	TYPES_ALONE,          /* the connection is in no transaction */
	TYPES_IN_TRANSACTION, /* in one that goes on, also if the question is refused */
	TYPES_AFTER_ROLLBACK, /* in one that is rolled back first */
	/* As TYPES_ALONE, of the first row of many: also those whose value there is NULL, or does
	 * not look like an array. */
	TYPES_OF_STREAM,
};

/* Returns true if types_learn() would ask. */
bool types_are_unknown(const PGresult *rows, enum types_mode mode);

struct types_question {
	int flights;   /* round trips that it took */
	bool answered; /* false: nothing new is known */
	bool broken;   /* neither the connection nor its transaction may be used any more */
};

/* Asks for the types of a result that are not known and whose values look like arrays. */
struct types_question types_learn(PGconn *pg, const PGresult *rows, enum types_mode mode,
                                  struct deadline request);

#endif
