#include "serve/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/mem.h"
#include "observe/counters.h"

/* What each kind of child keeps open. The listener must not stay open for longer than the workers
 * keep it: a client would wait in a queue that nobody serves. */
static const struct {
	bool listener, spans_reader, spans_writer;
	/* It has no loop in which it could look for a blocked signal. */
	bool unblocks_signals;
} inherits[CHILD__MAX] = {
	[CHILD_WORKER] = { .listener = true, .spans_writer = true },
	[CHILD_EXPORTER] = { .spans_reader = true },
	[CHILD_KEY_FETCHER] = { .unblocks_signals = true },
	[CHILD_STARTUP_CHECK] = { .unblocks_signals = true },
	[CHILD_RELOAD_CHECK] = { .unblocks_signals = true },
};

/* The listener may be standard input, which stays open as /dev/null. */
static void
drop_listener(struct inheritance *own)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)dup2(null, STDIN_FILENO);
	if (own->listener != STDIN_FILENO)
		(void)close(own->listener);
	own->listener = -1;
}

static void
drop_descriptor(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* libfcgi's handler of SIGTERM would keep a blocking call going. */
static void
unblock_signals(void)
{
	sigset_t all;

	(void)signal(SIGTERM, SIG_DFL);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_UNBLOCK, &all, NULL);
}

static void
drop_others(struct inheritance *own, enum child_kind kind)
{
	if (!inherits[kind].listener)
		drop_listener(own);
	if (!inherits[kind].spans_reader)
		drop_descriptor(&own->spans_reader);
	if (!inherits[kind].spans_writer)
		drop_descriptor(&own->spans_writer);
	if (inherits[kind].unblocks_signals)
		unblock_signals();
}

NORETURN static void
run_child(const struct inheritance *from, enum child_kind kind, child_main *run,
          const void *argument)
{
	struct inheritance own = *from;
	int code;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* The master may have ended before that call. */
	if (getppid() != own.master)
		_exit(EXIT_DONE);
	drop_others(&own, kind);
	code = run(&own, argument);
	/* A leak checker's own exit may need what was missing here. */
	if (code == EXIT_INTERNAL)
		_exit(code);
	mem_end();
	exit(code);
}

pid_t
child_fork(const struct inheritance *from, enum child_kind kind, child_main *run,
           const void *argument)
{
	pid_t pid;

	/* The child begins with a copy of this count, and must not add it again. */
	counters_flush_dropped_lines();
	pid = fork();
	if (pid == 0)
		run_child(from, kind, run, argument);
	if (pid < 0)
		log_printf(LOG_ERROR, "could not fork", "%s", strerror(errno));
	return pid;
}

struct app *
child_app(const struct inheritance *own)
{
	struct app *app = mem_new(mem_process(), struct app);
	struct error err;

	if (app_init(mem_process(), app, own->name, own->routes, own->settings, &err))
		return app;
	log_printf(LOG_ERROR, "could not start a worker", "%s", err.message);
	return NULL;
}

void
child_add_exit(struct log_line *line, pid_t pid, int status)
{
	log_int(line, "worker_pid", pid);
	if (WIFSIGNALED(status))
		log_int(line, "signal", WTERMSIG(status));
	else
		log_int(line, "exit_code", WEXITSTATUS(status));
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_string(line, "detail", "it made a system call that WORKER_SANDBOX refuses");
}

void
child_log_crash(const char *event, pid_t pid, int status)
{
	struct log_line line;

	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE)
		return;
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM))
		return;
	log_begin(&line, LOG_ERROR, event);
	child_add_exit(&line, pid, status);
	log_end(&line);
}
