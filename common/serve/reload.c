#include "serve/reload.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "observe/scoreboard.h"
#include "serve/systemd.h"

#define LEFTOVERS           "NULLPOOL_DRAINING"
#define LEFTOVERS_MAX_BYTES 65536
#define EXIT_NOT_STARTED    127
#define LEFTOVER_GRACE_US   INT64_C(2000000) /* as the pool's own watchdog */

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

static void
exec_check(const struct pool *pool)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_UNBLOCK, &all, NULL);
	pool_drop_listener(pool);
	(void)execl(program, program, "--check", (char *)NULL);
	log_printf(LOG_ERROR, "could not start the new program", "\"%s\": %s", program,
	           strerror(errno));
	_exit(EXIT_NOT_STARTED);
}

pid_t
reload_check(const struct pool *pool)
{
	pid_t pid = pool_fork(pool);

	if (pid == 0)
		exec_check(pool);
	return pid;
}

static void
write_leftovers(const struct pool *pool, const struct leftover *leftovers)
{
	struct buf list;

	buf_init(&list, mem_process(), LEFTOVERS_MAX_BYTES);
	for (; leftovers->pid != 0; leftovers++)
		if (leftovers->pid > 0)
			buf_printf(&list, "%d:%" PRId64 " ", (int)leftovers->pid,
			           leftovers->kill_us);
	for (size_t slot = 0; slot < scoreboard_plan()->slots; slot++)
		if (pool_pid(pool, slot) > 0)
			buf_printf(&list, "%d:%" PRId64 " ", (int)pool_pid(pool, slot),
			           pool_deadline_us(pool, slot) + LEFTOVER_GRACE_US);
	(void)setenv(LEFTOVERS, list.data, 1);
}

void
reload_exec(struct pool *pool, const struct leftover *leftovers)
{
	char *const arguments[] = { mem_strdup(mem_process(), program), NULL };

	log_plain(LOG_INFO, "reloading");
	systemd_notify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_now_us());
	write_leftovers(pool, leftovers);
	(void)pool_signal(pool, SIGTERM);
	atomic_store(&board->draining, 1);
	(void)execv(program, arguments);
	atomic_store(&board->draining, 0);
	/* The workers end by then; the old program forks others. */
	log_printf(LOG_ERROR, "could not reload", "\"%s\": %s", program, strerror(errno));
	(void)unsetenv(LEFTOVERS);
	systemd_notify(
	    "READY=1\nSTATUS=not reloaded: the program could not be started; serving as before");
}

/* "pid:time", or false. */
static bool
read_leftover(void *owner, const char *text, size_t size, struct leftover *leftover)
{
	char *pid_text = mem_strndup(owner, text, size), *colon = strchr(pid_text, ':');
	int64_t pid;

	if (!colon)
		return false;
	*colon = '\0';
	if (!parse_int(pid_text, &pid) || pid <= 1 || pid > INT32_MAX
	    || !parse_int(colon + 1, &leftover->kill_us))
		return false;
	leftover->pid = (pid_t)pid;
	return true;
}

struct leftover *
reload_leftovers(void *owner)
{
	const char *text = getenv(LEFTOVERS);
	struct leftover *leftovers = mem_array(owner, struct leftover, text ? strlen(text) + 1 : 1);
	size_t count = 0;

	while (text && *text) {
		size_t size = strcspn(text, " ");

		if (read_leftover(owner, text, size, &leftovers[count]))
			count++;
		text += size;
		text += strspn(text, " ");
	}
	leftovers[count].pid = 0;
	(void)unsetenv(LEFTOVERS);
	return leftovers;
}
