#include "serve/abort_grace.h"

#include <signal.h>

/* On a busy machine the process has to get its turn within this time. */
#define GRACE_MS 500

struct deadline
abort_grace_due(const struct abort_grace *grace, struct deadline hung_at)
{
	return grace->aborted ? grace->kill_at : hung_at;
}

void
abort_grace_signal(struct abort_grace *grace, pid_t pid)
{
	(void)kill(pid, grace->aborted ? SIGKILL : SIGABRT);
	grace->kill_at = grace->aborted ? DEADLINE_NEVER : deadline_in_ms(GRACE_MS);
	grace->aborted = true;
}
