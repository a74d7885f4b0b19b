#include "serve/reload.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "observe/scoreboard.h"
#include "serve/systemd.h"

/* The new program's --check reads its settings and ends. */
#define CHECK_MAX_MS     10000
#define EXIT_NOT_STARTED 127 /* as a shell ends when it cannot start a program */

static const char *program;

void
reload_remember(void *owner, const char *argv0)
{
	char path[4096];
	ssize_t size;

	if (strchr(argv0, '/')) {
		/* Not resolved: a symlink may point to a new version by then. */
		char *here = *argv0 == '/' ? NULL : getcwd(NULL, 0);

		program = mem_printf(owner, "%s%s%s", here ? here : "", here ? "/" : "", argv0);
		free(here);
		return;
	}
	size = readlink("/proc/self/exe", path, sizeof(path));
	program = mem_strndup(owner, size > 0 ? path : argv0,
	                      size > 0 ? (size_t)size : strlen(argv0));
}

/* --- the check --- */

static int
run_check(const struct inheritance *own, const void *unused)
{
	(void)own;
	(void)unused;
	(void)execl(program, program, "--check", (char *)NULL);
	log_printf(LOG_ERROR, "could not start the new program", "\"%s\": %s", program,
	           strerror(errno));
	_exit(EXIT_NOT_STARTED);
}

void
reload_start(struct reload *reload, const struct inheritance *master)
{
	reload->again = reload->check > 0;
	if (reload->again)
		return;
	reload->check = child_fork(master, CHILD_RELOAD_CHECK, run_check, NULL);
	reload->check_by = deadline_in_ms(CHECK_MAX_MS);
	if (reload->check < 0) {
		reload->check = 0;
		systemd_notify("STATUS=not reloaded: the new program could not be checked;"
		               " serving as before");
	}
}

struct deadline
reload_due(const struct reload *reload)
{
	return reload->check > 0 ? reload->check_by : DEADLINE_NEVER;
}

void
reload_stop(struct reload *reload)
{
	if (reload->check > 0)
		(void)kill(reload->check, SIGKILL);
	reload->check_by = DEADLINE_NEVER;
}

/* systemctl reload has returned by then; systemctl status shows what became of it. */
static void
log_not_reloaded(const char *what, int number)
{
	log_printf(LOG_ERROR, "not reloaded",
	           "the check of the new program ended with %s %d; serving as before", what,
	           number);
	systemd_notify("STATUS=not reloaded: the check of the new program ended with %s %d"
	               " (the log says why); serving as before",
	               what, number);
}

bool
reload_is_ready(struct reload *reload, const struct inheritance *master, int status)
{
	reload->check = 0;
	if (reload->again) {
		reload_start(reload, master);
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFSIGNALED(status))
		log_not_reloaded("signal", WTERMSIG(status));
	else
		log_not_reloaded("exit code", WEXITSTATUS(status));
	return false;
}

/* --- the new program --- */

void
reload_exec(const struct pool *pool, const struct draining *draining)
{
	char *const arguments[] = { mem_strdup(mem_process(), program), NULL };

	log_plain(LOG_INFO, "reloading");
	systemd_notify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_now_us());
	draining_write_environment(draining, pool);
	(void)pool_signal(pool, SIGTERM);
	atomic_store(&board->draining, 1);
	(void)execv(program, arguments);
	atomic_store(&board->draining, 0);
	/* The old program forks other workers for those that end now. */
	log_printf(LOG_ERROR, "could not reload", "\"%s\": %s", program, strerror(errno));
	draining_clear_environment();
	systemd_notify("READY=1\nSTATUS=not reloaded: the program could not be started;"
	               " serving as before");
}
