/* sandbox_rules.h - the list of what a worker may ask of the kernel */
#ifndef NULLPOOL_SERVE_SANDBOX_RULES_H
#define NULLPOOL_SERVE_SANDBOX_RULES_H

#include <seccomp.h>

#include "base/attributes.h"

/* Stands in the filter for the pid of the process that will take it on; above all pids that there
 * can be (2^22). */
#define SANDBOX_OWN_PID 0x7ea1f00du

/* The filter; NULL: it could not be made. With `kill` all that is not on the list sends SIGSYS.
 * Else it fails with EPERM, and only that sends SIGSYS, to be logged, which no library tries by
 * itself: a thread that has signals blocked would be killed by it. */
scmp_filter_ctx sandbox_rules(bool kill);

#endif
