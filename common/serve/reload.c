#include "serve/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "serve/notify.h"
#include "serve/scoreboard.h"

#define LEFTOVERS           "NULLPOOL_DRAINING"
#define LEFTOVERS_MAX_BYTES 65536
#define EXIT_NOT_STARTED    127

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
	program = mem_strndup(owner, size > 0 ? path : argv0, size > 0 ? (size_t)size : strlen(argv0));
}

static void
exec_check(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_UNBLOCK, &all, NULL);
	(void)dup2(null, STDIN_FILENO);
	(void)execl(program, program, "--check", (char *)NULL);
	log_printf(LOG_ERROR, "could not start the new program", "\"%s\": %s", program, strerror(errno));
	_exit(EXIT_NOT_STARTED);
}

pid_t
reload_check(const struct pool *pool)
{
	pid_t pid = pool_fork(pool);

	if (pid == 0)
		exec_check();
	return pid;
}

static void
write_leftovers(void)
{
	struct buf pids;

	buf_init(&pids, mem_process(), LEFTOVERS_MAX_BYTES);
	for (uint32_t i = 0; i < board->slot_count; i++) {
		int pid = atomic_load(&board->slots[i].pid);

		if (pid > 0)
			buf_printf(&pids, "%d ", pid);
	}
	(void)setenv(LEFTOVERS, pids.data, 1);
}

void
reload_exec(struct pool *pool)
{
	char *const arguments[] = { mem_strdup(mem_process(), program), NULL };

	log_plain(LOG_INFO, "reloading");
	notify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_now_us());
	write_leftovers();
	(void)pool_signal(pool, SIGTERM);
	(void)execv(program, arguments);
	/* The workers end by then; the old program forks others. */
	log_printf(LOG_ERROR, "could not reload", "\"%s\": %s", program, strerror(errno));
	(void)unsetenv(LEFTOVERS);
	notify("READY=1");
}

const pid_t *
reload_leftovers(void *owner)
{
	const char *text = getenv(LEFTOVERS);
	pid_t *pids = mem_array(owner, pid_t, text ? strlen(text) + 1 : 1);
	size_t count = 0;

	while (text && *text) {
		char *number = mem_strndup(owner, text, strcspn(text, " "));
		int64_t pid;

		if (parse_int(number, &pid) && pid > 1 && pid <= INT32_MAX)
			pids[count++] = (pid_t)pid;
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
	(void)unsetenv(LEFTOVERS);
	return pids;
}
