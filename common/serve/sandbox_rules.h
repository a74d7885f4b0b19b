/* sandbox_rules.h - the list of what a worker may ask of the kernel */
#ifndef NULLPOOL_SERVE_SANDBOX_RULES_H
#define NULLPOOL_SERVE_SANDBOX_RULES_H

#include <seccomp.h>

#include "base/attributes.h"

/* Stands in the filter for the pid of the process that will enter the sandbox. It is above all pids
 * (2^22). */
#define SANDBOX_OWN_PID 0x7ea1f00du

/* Returns the filter, or NULL if it could not be made. With `kill` every call that is not on the
 * list sends SIGSYS. Without, such a call fails with EPERM, and only calls that no library tries by
 * itself send SIGSYS, to be logged: SIGSYS would kill a thread that has blocked it. */
scmp_filter_ctx sandbox_rules(bool kill);

#endif
