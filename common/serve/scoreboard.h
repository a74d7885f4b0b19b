/* scoreboard.h - which workers have a request in hand, in memory that they share
 *
 * Made by the master before it forks. Each worker writes its own slot only, one atomic store, so that a worker
 * that dies in between leaves nothing half-written; the master clears the slot of one that is gone.
 */
#ifndef NULLPOOL_SERVE_SCOREBOARD_H
#define NULLPOOL_SERVE_SCOREBOARD_H

#include "base/attributes.h"
#include "base/error.h"

NP_MUST_CHECK bool scoreboard_open(size_t slots, struct error *err);
void scoreboard_set_busy(size_t slot, bool busy);
size_t scoreboard_busy(void); /* how many are */
size_t scoreboard_slots(void);

#endif
