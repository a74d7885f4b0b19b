/* abort_grace.h - how a process that hangs is ended: SIGABRT, a grace, SIGKILL
 *
 * SIGABRT lets it log where it is (backtrace.h). SIGKILL ends it whether or not it got so far.
 */
#ifndef NULLPOOL_SERVE_ABORT_GRACE_H
#define NULLPOOL_SERVE_ABORT_GRACE_H

#include <sys/types.h>

#include "base/clock.h"

/* All zeros before the first signal. */
struct abort_grace {
	bool aborted;            /* SIGABRT was sent */
	struct deadline kill_at; /* SIGKILL is due; DEADLINE_NEVER: it was sent */
};

/* Returns when the next signal is due. hung_at is when the process counts as hung. */
struct deadline abort_grace_due(const struct abort_grace *grace, struct deadline hung_at);

/* Sends the next signal: SIGABRT the first time, SIGKILL the second. */
void abort_grace_signal(struct abort_grace *grace, pid_t pid);

#endif
