/* misuse.h - what a handler asked for that is not there: a parameter, a column, a row
 *
 * Such a call gives an empty value and is noted here, and the request fails by the name of what was
 * asked for. The process does not end: its commit may have been sent. A process has one request at
 * a time, so there is one note.
 */
#ifndef NULLPOOL_BASE_MISUSE_H
#define NULLPOOL_BASE_MISUSE_H

#include "base/attributes.h"

/* Only the first one since the reset counts: others may follow from it. */
void misuse_note(const char *format, ...) NP_PRINTF(1, 2);

/* Returns what was noted, or NULL. */
const char *misuse_noted(void);

void misuse_reset(void);

#endif
