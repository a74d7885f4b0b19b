#include "serve/master.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/app.h"
#include "base/exit_code.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "observe/connection_budget.h"
#include "observe/metrics.h"
#include "observe/scoreboard.h"
#include "serve/backtrace.h"
#include "serve/exporter.h"
#include "serve/fcgi.h"
#include "serve/memory_release.h"
#include "serve/pool.h"
#include "serve/reload.h"
#include "serve/sandbox.h"
#include "serve/startup_check.h"
#include "serve/systemd.h"

/* A connection that waits this long finds nobody who is about to take it. */
#define GRACE_MS 1
/* After the listener could not be watched, for want of the kernel's memory. */
#define LISTEN_PAUSE_MS 100
/* How long after the last deadline a worker may take to end by itself. */
#define DRAIN_GRACE_MS 2000
/* And how long, killed, to be gone; the sender of spans has its own 2 s for what came last. */
#define GONE_GRACE_MS 2500
/* How long an accept4() may take that should not have to wait. */
#define ACCEPT_MAX_US 100000
/* A new program's --check reads settings and ends. */
#define CHECK_MS 10000
/* How long an idle worker may take to stir that was woken. */
#define STIR_US INT64_C(2000000)

struct master {
	const struct master_options *options;
	struct pool *pool;
	struct exporter *exporter; /* NULL: none */
	const char *run_dir;       /* NULL: the socket has no path */
	int events;                /* epoll of the three below */
	int signals;               /* signalfd */
	int busy_event;            /* eventfd, written by workers */
	int ready_event;           /* eventfd of the workers among themselves */
	bool listening;            /* the listener is among the events now */
	pid_t database_check;
	pid_t reload_check; /* 0: none */
	struct deadline reload_by;
	bool reload_again; /* SIGHUP came while the check ran: what it saw may be old */
	struct leftover *leftovers;
	int64_t
	    woken_us; /* when the idle ones were, because a connection waited; 0: they were not */
	struct deadline watchdog; /* when systemd next wants to hear of us */
	int64_t last_work_us;     /* when there last was a worker */
	bool trimmed;
	bool ending;
};

/* --- set-up --- */

static sigset_t
master_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	return set;
}

void
master_block_signals(void)
{
	sigset_t set = master_signals();
	struct sigaction before;

	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	/* Where whoever started us ignored it, nobody would hear of a worker's end. Not else: one
	 * that is pending from before a reload would be gone. */
	if (sigaction(SIGCHLD, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
		(void)signal(SIGCHLD, SIG_DFL);
}

static bool
watch(const struct master *master, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(master->events, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool
open_events(struct master *master, struct error *err)
{
	sigset_t set = master_signals();
	int listener = master->options->listener, flags = fcntl(listener, F_GETFL);
	const struct timeval longest = { .tv_usec = ACCEPT_MAX_US };

	master->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	master->busy_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	master->ready_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	master->events = epoll_create1(EPOLL_CLOEXEC);
	if (flags < 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) < 0 || master->signals < 0
	    || master->busy_event < 0 || master->ready_event < 0 || master->events < 0
	    || !watch(master, master->signals) || !watch(master, master->busy_event))
		return error_set(err, NP_INTERNAL, "could not set up the master's events: %s",
		                 strerror(errno));
	/* The flag is of the socket, not of this process: whoever else has it may clear it. No
	 * accept4() hangs then. */
	(void)setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest));
	return true;
}

/* Where the socket is; the scoreboard goes beside it. */
static bool
find_run_dir(struct master *master, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNSPEC };
	socklen_t size = sizeof(address) - 1;

	if (getsockname(master->options->listener, (struct sockaddr *)&address, &size) != 0)
		return error_set(err, NP_INTERNAL, "could not ask for the socket's name: %s",
		                 strerror(errno));
	if (address.sun_family == AF_UNIX && address.sun_path[0] == '/')
		master->run_dir = dirname(mem_strdup(master, address.sun_path));
	return true;
}

static bool
make_board(struct master *master, struct error *err)
{
	const struct settings *settings = master->options->settings;
	const struct scoreboard_plan plan = {
		.name = master->options->name,
		.routes = master->options->routes,
		.pool_size = (int32_t)settings->database_pool_size,
		.max_overflow = (int32_t)settings->database_max_overflow,
		.slots = pool_slots(settings),
		.uses_database = app_uses_database(master->options->routes),
	};
	char *path;

	if (!find_run_dir(master, err))
		return false;
	if (master->run_dir) {
		path = mem_printf(master, "%s/%s.board", master->run_dir, plan.name);
		metrics_set_directory(master->run_dir);
		if (scoreboard_create(path, &plan, err))
			return true;
		/* The directory may be another user's: it is only others who cannot look then. */
		log_printf(LOG_WARNING, "scoreboard in memory only", "%s", err->message);
	}
	return scoreboard_create(NULL, &plan, err);
}

static bool
prepare(struct master *master, struct error *err)
{
	struct pool_options options = {
		.name = master->options->name,
		.routes = master->options->routes,
		.settings = master->options->settings,
		.listener = master->options->listener,
	};

	reload_remember(master, master->options->argv0);
	master->leftovers = reload_leftovers(master);
	if (!open_events(master, err) || !fcgi_init(err) || !make_board(master, err)
	    || !exporter_new(master, options.settings, &master->exporter, err))
		return false;
	options.exporter = master->exporter;
	backtrace_prepare();
	options.busy_event = master->busy_event;
	options.ready_event = master->ready_event;
	master->pool = pool_new(master, &options);
	return true;
}

/* --- the start-up check of the database, in a child: no connection of it stays anywhere --- */

static void
start_database_check(struct master *master)
{
	sigset_t set = master_signals();
	struct app *app;

	if (!scoreboard_plan()->uses_database)
		return;
	/* A program that keeps no worker lets its database sleep too, and may be started for each
	 * request that comes. */
	if (master->options->settings->database_pool_size == 0) {
		connection_budget_log(master->options->settings, master->run_dir, 0);
		return;
	}
	master->database_check = pool_fork(master->pool);
	if (master->database_check != 0)
		return;
	/* It must end with its master although a database may hang; libfcgi's handler would keep it
	 * from that. */
	(void)signal(SIGTERM, SIG_DFL);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	app = pool_child_app(master->pool);
	startup_check_database(app, master->run_dir);
	/* At once: the master may kill it at any moment, and a leak checker would say so in the
	 * middle of the log. */
	_exit(0);
}

/* --- children --- */

static void
start_reload(struct master *master)
{
	if (master->ending)
		return;
	master->reload_again = master->reload_check > 0;
	if (master->reload_again)
		return;
	master->reload_check = reload_check(master->pool);
	master->reload_by = deadline_in_ms(CHECK_MS);
	if (master->reload_check < 0) {
		master->reload_check = 0;
		systemd_notify(
		    "STATUS=not reloaded: the new program could not be checked; serving as before");
	}
}

/* systemctl reload has returned by then: what it did is in systemctl status. */
static void
tell_not_reloaded(const char *what, int number)
{
	log_printf(LOG_ERROR, "not reloaded",
	           "the new program's check ended with %s %d; the old one goes on", what, number);
	systemd_notify(
	    "STATUS=not reloaded: the new program's check ended with %s %d (the log says why); serving as before",
	    what, number);
}

static void
end_reload_check(struct master *master, int status)
{
	master->reload_check = 0;
	/* Killed by drain(), or too late: nobody serves as before. */
	if (master->ending)
		return;
	if (master->reload_again) {
		start_reload(master);
		return;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		tell_not_reloaded(WIFSIGNALED(status) ? "signal" : "exit code",
		                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		return;
	}
	/* The new program makes its own. */
	if (master->database_check > 0)
		(void)kill(master->database_check, SIGKILL);
	reload_exec(master->pool, master->leftovers);
}

/* Of a child that is no worker of this program: an abort would be seen by nobody else. Those that
 * are told to end, or are killed since they do not, are no news. */
static void
log_crash(const char *event, pid_t pid, int status)
{
	struct log_line line;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM))
		return;
	log_begin(&line, LOG_ERROR, event);
	log_int(&line, "worker_pid", pid);
	if (WIFSIGNALED(status))
		log_int(&line, "signal", WTERMSIG(status));
	else
		log_int(&line, "exit_code", WEXITSTATUS(status));
	log_end(&line);
}

static void
bury_leftover(struct master *master, pid_t pid, int status)
{
	for (struct leftover *leftover = master->leftovers; leftover->pid != 0; leftover++)
		if (leftover->pid == pid) {
			log_crash("worker died", pid, status);
			leftover->pid = -1;
		}
}

static void
bury(struct master *master, pid_t pid, int status)
{
	if (pid == master->reload_check) {
		end_reload_check(master, status);
	} else if (pid == master->database_check) {
		log_crash("database check died", pid, status);
		master->database_check = 0;
	} else if (!pool_bury(master->pool, pid, status)
	           && !exporter_bury(master->exporter, pid, status)) {
		bury_leftover(master, pid, status);
	}
}

/* False when there are no children any more. */
static bool
reap(struct master *master)
{
	int status;
	pid_t pid;

	do {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0)
			bury(master, pid, status);
	} while (pid > 0 || (pid < 0 && errno == EINTR));
	return pid == 0;
}

/* Kills those whose time is over, or all; returns when the next one's is. As the pool does, one
 * that hangs may say where. */
static struct deadline
end_leftovers(const struct master *master, bool all)
{
	struct deadline next = { INT64_MAX };

	for (struct leftover *leftover = master->leftovers; leftover->pid != 0; leftover++) {
		if (leftover->pid < 0)
			continue;
		if (all || clock_now_us() >= leftover->kill_us) {
			(void)kill(leftover->pid, all || leftover->asked ? SIGKILL : SIGABRT);
			leftover->asked = true;
			leftover->kill_us = clock_now_us() + POOL_LAST_WORDS_US;
		}
		if (leftover->kill_us < next.at_us)
			next.at_us = leftover->kill_us;
	}
	return next;
}

/* --- signals --- */

static void
take_signals(struct master *master)
{
	struct signalfd_siginfo info;

	while (read(master->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			master->ending = true;
		else if (info.ssi_signo == SIGHUP)
			start_reload(master);
	}
	(void)reap(master);
}

/* --- demand --- */

static bool
is_waiting(const struct master *master)
{
	struct pollfd listener = { .fd = master->options->listener, .events = POLLIN };

	return poll(&listener, 1, 0) > 0;
}

static void
meet_demand(struct master *master)
{
	if (pool_signal(master->pool, 0) > 0)
		clock_sleep_ms(GRACE_MS, deadline_in_ms(GRACE_MS));
	if (pool_is_short(master->pool) && is_waiting(master))
		pool_grow(master->pool);
}

/* The listener is looked at only while its connections would be the master's business. */
static void
watch_listener(struct master *master)
{
	bool wanted = pool_is_short(master->pool);

	if (wanted == master->listening)
		return;
	if (!wanted)
		(void)epoll_ctl(master->events, EPOLL_CTL_DEL, master->options->listener, NULL);
	master->listening = wanted && watch(master, master->options->listener);
}

/* --- time --- */

static void
feed_watchdog(struct master *master)
{
	int64_t ms = systemd_watchdog_ms();

	if (ms == 0 || !deadline_passed(master->watchdog))
		return;
	systemd_notify("WATCHDOG=1");
	master->watchdog = deadline_in_ms(ms);
}

static struct deadline
idle_end(const struct master *master)
{
	int64_t idle_s = master->options->settings->master_idle_timeout_s;

	return (struct deadline){ idle_s > 0 ? master->last_work_us + idle_s * 1000000
		                             : INT64_MAX };
}

/* An idle worker takes a connection within a moment. Where one waits all idle ones are woken, since
 * the kernel may have woken one that hangs; who has not stirred after a while hangs. Under load
 * somebody waits at every look, and it means nothing. */
static void
look_for_hung_idle(struct master *master)
{
	if (master->woken_us > 0) {
		if (clock_now_us() - master->woken_us < STIR_US)
			return;
		pool_distrust_idle(master->pool, master->woken_us);
		master->woken_us = 0;
	}
	if (pool_is_short(master->pool)
	    || scoreboard_count(SLOT_IDLE) + scoreboard_count(SLOT_STARTING) == 0
	    || !is_waiting(master))
		return;
	master->woken_us = clock_now_us(); /* first: some stir before the write returns */
	pool_wake_idle(master->pool);
}

static void
look_after_time(struct master *master)
{
	pool_watch(master->pool);
	look_for_hung_idle(master);
	(void)end_leftovers(master, false);
	feed_watchdog(master);
	if (master->reload_check > 0 && deadline_passed(master->reload_by))
		(void)kill(master->reload_check, SIGKILL);
	if (pool_signal(master->pool, 0) > 0 || is_waiting(master))
		master->last_work_us = clock_now_us();
	else if (deadline_passed(idle_end(master)))
		master->ending = true;
}

static struct deadline
next_look(struct master *master)
{
	struct deadline next = deadline_sooner(pool_tend(master->pool),
	                                       exporter_tend(master->exporter, master->pool));

	if (systemd_watchdog_ms() > 0)
		next = deadline_sooner(next, master->watchdog);
	if (master->reload_check > 0 && !deadline_passed(master->reload_by))
		next = deadline_sooner(next, master->reload_by);
	next = deadline_sooner(next, end_leftovers(master, false));
	return deadline_sooner(next, idle_end(master));
}

/* --- the two halves of its life --- */

static void
wait_events(struct master *master, struct deadline until)
{
	struct epoll_event ready[3];
	int count = epoll_wait(master->events, ready, 3, deadline_left_ms(until));
	uint64_t ignored;

	for (int i = 0; i < count; i++) {
		if (ready[i].data.fd == master->signals)
			take_signals(master);
		else if (ready[i].data.fd == master->busy_event)
			(void)!read(master->busy_event, &ignored, sizeof(ignored));
		else
			meet_demand(master);
	}
}

/* Once, and no request waits for it. */
static void
trim_when_quiet(struct master *master)
{
	if (master->trimmed || is_waiting(master))
		return;
	master->trimmed = true;
	release_clean_pages();
}

static void
serve(struct master *master)
{
	systemd_notify("READY=1\nSTATUS=serving");
	while (!master->ending) {
		struct deadline next = next_look(master);

		watch_listener(master);
		if (pool_is_short(master->pool) && !master->listening)
			next = deadline_sooner(next, deadline_in_ms(LISTEN_PAUSE_MS));
		trim_when_quiet(master);
		wait_events(master, next);
		look_after_time(master);
	}
}

static void
drain(struct master *master)
{
	struct deadline deadline = deadline_in_ms(
	    master->options->settings->request_timeout_s * 1000 + DRAIN_GRACE_MS);

	/* An earlier program may have given its workers more time. */
	for (const struct leftover *leftover = master->leftovers; leftover->pid != 0; leftover++)
		if (leftover->pid > 0 && leftover->kill_us > deadline.at_us)
			deadline.at_us = leftover->kill_us;
	log_plain(LOG_INFO, "stopping");
	systemd_notify("STOPPING=1");
	pool_close(master->pool);
	watch_listener(master);
	if (master->database_check > 0)
		(void)kill(master->database_check, SIGKILL);
	if (master->reload_check > 0)
		(void)kill(master->reload_check, SIGKILL);
	(void)pool_signal(master->pool, SIGTERM);
	atomic_store(&board->draining, 1);
	while (reap(master) && !deadline_passed(deadline)) {
		/* Nobody else would end it, and only its end may be what is waited for. */
		if (pool_signal(master->pool, 0) == 0)
			exporter_close(master->exporter);
		wait_events(master,
		            deadline_sooner(deadline_sooner(pool_tend(master->pool), deadline),
		                            end_leftovers(master, false)));
		pool_watch(master->pool);
		feed_watchdog(master);
	}
	if (pool_signal(master->pool, SIGKILL) > 0)
		log_plain(LOG_ERROR, "workers killed that did not end");
	(void)end_leftovers(master, true);
	exporter_close(master->exporter);
	/* Whoever is still there has the socket. */
	deadline = deadline_in_ms(GONE_GRACE_MS);
	while (reap(master) && !deadline_passed(deadline))
		wait_events(master, deadline);
	atomic_store(&board->master_pid, 0);
	log_plain(LOG_INFO, "stopped");
}

int
master_run(const struct master_options *options)
{
	struct master *master = mem_new(mem_process(), struct master);
	struct error err;

	master->options = options;
	master->last_work_us = clock_now_us();
	if (!prepare(master, &err)) {
		log_printf(LOG_ERROR, "could not start", "%s", err.message);
		return EXIT_INTERNAL;
	}
	startup_check_log_settings(
	    options->settings,
	    sandbox_prepare((enum sandbox_mode)options->settings->worker_sandbox));
	(void)pool_tend(master->pool);
	start_database_check(master);
	serve(master);
	drain(master);
	return 0;
}
