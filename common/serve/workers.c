#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/app.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "serve/fcgi.h"
#include "serve/scoreboard.h"
#include "serve/workers.h"

#define EXIT_INTERNAL 70
/* A worker that lived shorter than this is not replaced at once, so that a crash loop leaves the CPU quiet. */
#define SHORT_LIFE_US INT64_C(1000000)
/* With nothing due the master only waits for signals. */
#define FAR_MS 3600000
/* How long after the last deadline a worker may take to end by itself. */
#define DRAIN_GRACE_MS 2000

struct worker {
	pid_t pid; /* 0: none */
	int64_t since_us;
	bool due; /* to be started at due_us */
	int64_t due_us;
};

struct master {
	const struct workers_options *options;
	struct worker *workers;
	size_t count;
	pid_t pid;
	pid_t checker; /* of the database, at start */
	sigset_t signals;
	bool ending;
};

static struct app_pool
pool_now(void)
{
	return (struct app_pool){ .size = (int64_t)scoreboard_slots(),
		                  .checked_out = (int64_t)scoreboard_busy() };
}

/* Forks a child that ends when the master does, however that ends. */
static pid_t
fork_child(const struct master *master)
{
	pid_t pid = fork();

	if (pid < 0)
		log_printf(LOG_ERROR, "could not fork", "%s", strerror(errno));
	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != master->pid)
		_exit(0);
	return 0;
}

/* An app of the child's own. It ends the child when that fails. */
static struct app *
child_app(const struct master *master)
{
	struct app *app = mem_new(mem_process(), struct app);
	struct error err;

	if (!app_init(mem_process(), app, master->options->name, master->options->routes,
	              master->options->settings, &err)) {
		log_printf(LOG_ERROR, "could not start a worker", "%s", err.message);
		exit(EXIT_INTERNAL);
	}
	app->pool = pool_now;
	return app;
}

NORETURN static void
end_child(void)
{
	mem_end();
	exit(0);
}

static void
start_worker(struct master *master, size_t slot)
{
	struct worker *worker = &master->workers[slot];

	worker->due = false;
	worker->since_us = clock_now_us();
	worker->pid = fork_child(master);
	if (worker->pid == 0) {
		if (!fcgi_serve(child_app(master), master->options->listener, slot,
		                master->options->settings->worker_max_requests))
			exit(EXIT_INTERNAL);
		end_child();
	}
	if (worker->pid < 0) {
		worker->pid = 0;
		worker->due = true;
		worker->due_us = clock_now_us() + SHORT_LIFE_US;
	}
}

static void
start_checker(struct master *master)
{
	master->checker = fork_child(master);
	if (master->checker == 0) {
		/* It must end with its master although a database may hang. */
		(void)signal(SIGTERM, SIG_DFL);
		(void)sigprocmask(SIG_UNBLOCK, &master->signals, NULL);
		app_check_database(child_app(master));
		end_child();
	}
}

static void
log_death(pid_t pid, int status)
{
	struct log_line line;

	log_begin(&line, LOG_ERROR, "worker died");
	log_int(&line, "worker_pid", pid);
	if (WIFSIGNALED(status))
		log_int(&line, "signal", WTERMSIG(status));
	else
		log_int(&line, "exit_code", WEXITSTATUS(status));
	log_end(&line);
}

static void
bury(struct master *master, size_t slot, int status)
{
	struct worker *worker = &master->workers[slot];
	int64_t lived_us = clock_now_us() - worker->since_us;
	bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (!well)
		log_death(worker->pid, status);
	scoreboard_set_busy(slot, false);
	worker->pid = 0;
	worker->due = !master->ending;
	worker->due_us = clock_now_us();
	if (!well && lived_us < SHORT_LIFE_US)
		worker->due_us += SHORT_LIFE_US;
}

static void
reap(struct master *master)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == master->checker)
			master->checker = 0;
		for (size_t slot = 0; slot < master->count; slot++)
			if (master->workers[slot].pid == pid)
				bury(master, slot, status);
	}
}

/* Starts the workers that are due. Returns when the next one is, or a far deadline. */
static struct deadline
start_due(struct master *master)
{
	struct deadline next = deadline_in_ms(FAR_MS);

	for (size_t slot = 0; slot < master->count; slot++) {
		struct worker *worker = &master->workers[slot];

		if (worker->due && worker->due_us <= clock_now_us())
			start_worker(master, slot);
		if (worker->due && worker->due_us < next.at_us)
			next.at_us = worker->due_us;
	}
	return next;
}

/* The signal that came, or -1 at the deadline. */
static int
wait_signal(const struct master *master, struct deadline deadline)
{
	int left_ms = deadline_left_ms(deadline);
	struct timespec timeout = { .tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000L };

	return sigtimedwait(&master->signals, NULL, &timeout);
}

/* To the workers and the checker; returns how many there are. With signal 0 it only counts. */
static size_t
signal_children(const struct master *master, int signal)
{
	size_t alive = 0;

	if (master->checker > 0) {
		(void)kill(master->checker, signal);
		alive++;
	}
	for (size_t slot = 0; slot < master->count; slot++)
		if (master->workers[slot].pid > 0) {
			(void)kill(master->workers[slot].pid, signal);
			alive++;
		}
	return alive;
}

static void
drain(struct master *master)
{
	struct deadline deadline = deadline_in_ms(master->options->settings->request_timeout_s * 1000
	                                          + DRAIN_GRACE_MS);

	log_plain(LOG_INFO, "stopping");
	master->ending = true;
	/* It has nothing to finish, and libfcgi's own handler would keep SIGTERM from ending it. */
	if (master->checker > 0)
		(void)kill(master->checker, SIGKILL);
	(void)signal_children(master, SIGTERM);
	for (; signal_children(master, 0) > 0 && !deadline_passed(deadline); reap(master))
		(void)wait_signal(master, deadline);
	if (signal_children(master, SIGKILL) > 0)
		log_plain(LOG_ERROR, "workers killed that did not end");
	log_plain(LOG_INFO, "stopped");
}

static bool
prepare(struct master *master, struct error *err)
{
	int flags = fcntl(master->options->listener, F_GETFL);

	(void)sigemptyset(&master->signals);
	(void)sigaddset(&master->signals, SIGCHLD);
	(void)sigaddset(&master->signals, SIGTERM);
	(void)sigaddset(&master->signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &master->signals, NULL);
	if (flags < 0 || fcntl(master->options->listener, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_set(err, NP_INTERNAL, "could not set up the socket: %s", strerror(errno));
	return fcgi_init(err) && scoreboard_open(master->count, err);
}

int
workers_run(const struct workers_options *options)
{
	struct master *master = mem_new(mem_process(), struct master);
	int64_t size = options->settings->database_pool_size;
	struct app app = { .name = options->name, .routes = options->routes, .settings = options->settings };
	struct error err;
	int signal = 0;

	master->options = options;
	master->pid = getpid();
	master->count = size > 0 ? (size_t)size : 1;
	master->workers = mem_array(master, struct worker, master->count);
	if (!prepare(master, &err)) {
		log_printf(LOG_ERROR, "could not start", "%s", err.message);
		return EXIT_INTERNAL;
	}
	app_log_start(&app, (int)master->count);
	for (size_t slot = 0; slot < master->count; slot++)
		start_worker(master, slot);
	start_checker(master);
	while (signal != SIGTERM && signal != SIGINT) {
		signal = wait_signal(master, start_due(master));
		reap(master);
	}
	drain(master);
	return 0;
}
