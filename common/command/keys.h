/* keys.h - a terminal that delivers each key at once and does not echo it
 *
 * The terminal gets its modes back from keys_close(), and also when a signal stops (Ctrl-Z) or ends
 * the process.
 */
#ifndef NULLPOOL_COMMAND_KEYS_H
#define NULLPOOL_COMMAND_KEYS_H

#include "base/attributes.h"

/* Returns true if standard input is a terminal, and this process may set its modes. */
bool keys_open(void);
void keys_close(void);

/* Waits up to `ms`. Returns true if q was typed, or the terminal is gone. */
bool keys_wait_for_q(int ms);

#endif
