/* misuse.h - a handler asked for a parameter, column or row that does not exist
 *
 * Such a call returns an empty value and notes the misuse here. The request then fails, and the log
 * says what was asked for. The process goes on, because its commit may have been sent. A process
 * has one request at a time, so there is one note.
 */
#ifndef NULLPOOL_BASE_MISUSE_H
#define NULLPOOL_BASE_MISUSE_H

#include "base/attributes.h"

/* Only the first one after a reset is noted: later ones may follow from it. */
void misuse_note(const char *format, ...) NP_PRINTF(1, 2);

/* Returns what was noted, or NULL. */
const char *misuse_noted(void);

void misuse_reset(void);

#endif
