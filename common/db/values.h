/* values.h - the values of $1, $2, … in a statement */
#ifndef NULLPOOL_DB_VALUES_H
#define NULLPOOL_DB_VALUES_H

#include "nullpool.h"

/* Borrowed. */
struct values {
	const struct np_value *items;
	size_t count;
};
#define VALUES(...)                                                        \
	((struct values){ (const struct np_value[]){ __VA_ARGS__ },        \
	                  sizeof((const struct np_value[]){ __VA_ARGS__ }) \
	                      / sizeof(struct np_value) })
#define NO_VALUES ((struct values){ NULL, 0 })

#endif
