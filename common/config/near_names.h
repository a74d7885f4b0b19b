/* near_names.h - which name a misspelled one is meant to be */
#ifndef NULLPOOL_CONFIG_NEAR_NAMES_H
#define NULLPOOL_CONFIG_NEAR_NAMES_H

#include "base/attributes.h"

/* Returns true if `name` looks like a slip of the pen for `known`: other case, or one letter (in a
 * long name two) missing, added, replaced or swapped. Short names, plurals and numbered names are
 * nobody's slip. */
bool names_are_near(const char *name, const char *known);

#endif
