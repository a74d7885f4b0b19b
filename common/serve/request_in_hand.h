/* request_in_hand.h - the request that a worker is answering, in a line of the log */
#ifndef NULLPOOL_SERVE_REQUEST_IN_HAND_H
#define NULLPOOL_SERVE_REQUEST_IN_HAND_H

#include "base/log.h"
#include "observe/scoreboard.h"

/* Adds "route" and "request_id" if the slot's worker is busy. Safe in a signal handler, and after
 * the worker died in the middle of writing them. */
void request_in_hand_log(struct log_line *line, const struct slot *slot);

#endif
