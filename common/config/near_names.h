/* near_names.h - whether one name looks like a misspelling of another */
#ifndef NULLPOOL_CONFIG_NEAR_NAMES_H
#define NULLPOOL_CONFIG_NEAR_NAMES_H

#include "base/attributes.h"

/* Returns true if `name` looks like a misspelling of `known`: it differs in case, or by one letter
 * (two in a long name) that is missing, added, replaced or swapped with its neighbour. Short names,
 * plurals and numbered names do not count as misspellings. */
bool names_are_near(const char *name, const char *known);

#endif
