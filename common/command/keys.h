/* keys.h - a terminal that gives each key at once and does not show it, and is as before when we
 * end */
#ifndef NULLPOOL_COMMAND_KEYS_H
#define NULLPOOL_COMMAND_KEYS_H

#include "base/attributes.h"

/* Returns true if standard input is a terminal that is ours to set. Its modes are given back by
 * keys_close(), while we are stopped (Ctrl-Z), and when a signal ends us. */
bool keys_open(void);
void keys_close(void);

/* Waits for so long at most. Returns true if q was typed, or the terminal is gone. */
bool keys_wait_for_q(int ms);

#endif
