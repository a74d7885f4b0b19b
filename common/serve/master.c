#include "serve/master.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/log.h"
#include "base/mem.h"
#include "observe/counters.h"
#include "observe/metrics.h"
#include "observe/scoreboard.h"
#include "serve/backtrace.h"
#include "serve/draining.h"
#include "serve/events.h"
#include "serve/exporter.h"
#include "serve/fcgi.h"
#include "serve/key_fetcher.h"
#include "serve/memory_release.h"
#include "serve/pool.h"
#include "serve/reload.h"
#include "serve/sandbox.h"
#include "serve/startup_check.h"
#include "serve/systemd.h"

/* After this long no worker is about to take the connection that waits. */
#define TAKE_MS 1
/* After SIGKILL a process has this long to be gone; the exporter takes up to 2 s for what came
 * last. */
#define GONE_MAX_MS 2500
/* The longest time for an accept4() that should not have to wait. */
#define ACCEPT_MAX_US 100000

struct master {
	struct inheritance own; /* what its children get */
	struct pool *pool;
	struct draining *draining;
	struct exporter exporter;
	struct key_fetcher key_fetcher;
	struct reload reload;
	pid_t startup_check; /* 0: none runs */
	const char *run_dir; /* NULL: the socket has no path */
	int events;          /* epoll of signals, own.busy_event and the listener */
	int signals;         /* signalfd */
	bool listening;      /* the listener is among the events now */
	struct deadline listen_retry;
	struct deadline watchdog; /* when systemd next wants to hear of us */
	struct deadline idle_end; /* when the master leaves if no worker has been there since */
	bool pages_released;
	bool ending;
};

/* --- start --- */

static sigset_t
master_signals(void)
{
	sigset_t set = events_end_signals();

	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGHUP);
	return set;
}

void
master_block_signals(void)
{
	sigset_t set = master_signals();
	struct sigaction before;

	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	/* Where the parent ignored SIGCHLD, the master would not learn of a worker's end. Only
	 * there: resetting the action would lose a signal that is pending from before a reload. */
	if (sigaction(SIGCHLD, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
		(void)signal(SIGCHLD, SIG_DFL);
}

static bool
open_events(struct master *master, struct error *err)
{
	sigset_t set = master_signals();
	int listener = master->own.listener, flags = fcntl(listener, F_GETFL);
	const struct timeval longest = { .tv_usec = ACCEPT_MAX_US };

	master->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	master->own.busy_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	master->own.ready_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	master->events = epoll_create1(EPOLL_CLOEXEC);
	if (flags < 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) < 0 || master->signals < 0
	    || master->own.busy_event < 0 || master->own.ready_event < 0 || master->events < 0
	    || !events_watch(master->events, master->signals, EPOLLIN)
	    || !events_watch(master->events, master->own.busy_event, EPOLLIN))
		return error_set(err, FAILURE_INTERNAL, "could not set up the master's events: %s",
		                 strerror(errno));
	/* O_NONBLOCK is a flag of the socket, not of this process: whoever else has the socket may
	 * clear it. With the time limit no accept4() hangs even then. */
	(void)setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest));
	return true;
}

/* The run directory is where the socket is. */
static bool
find_run_dir(struct master *master, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNSPEC };
	socklen_t size = sizeof(address) - 1;

	if (getsockname(master->own.listener, (struct sockaddr *)&address, &size) != 0)
		return error_set(err, FAILURE_INTERNAL, "could not ask for the socket's name: %s",
		                 strerror(errno));
	if (address.sun_family == AF_UNIX && address.sun_path[0] == '/')
		master->run_dir = dirname(mem_strdup(master, address.sun_path));
	return true;
}

static bool
make_scoreboard(struct master *master, struct error *err)
{
	const struct settings *settings = master->own.settings;
	const struct scoreboard_plan plan = {
		.name = master->own.name,
		.routes = master->own.routes,
		.pool_size = (int32_t)settings->database_pool_size,
		.max_overflow = (int32_t)settings->database_max_overflow,
		.slots = pool_slots(settings),
		.uses_database = app_uses_database(master->own.routes),
	};
	char *path;

	if (!find_run_dir(master, err))
		return false;
	if (master->run_dir) {
		path = mem_printf(master, "%s/%s.board", master->run_dir, plan.name);
		metrics_set_directory(master->run_dir);
		if (scoreboard_create(path, &plan, err))
			return true;
		/* The directory may be another user's. Only other programs miss the file. */
		log_printf(LOG_WARNING, "scoreboard in memory only", "%s", err->message);
	}
	return scoreboard_create(NULL, &plan, err);
}

static bool
prepare(struct master *master, const char *argv0, struct error *err)
{
	reload_remember(master, argv0);
	master->draining = draining_read_environment(master);
	if (!open_events(master, err) || !fcgi_init(err) || !make_scoreboard(master, err)
	    || !exporter_open(&master->own, err) || !key_fetcher_open(&master->own, err))
		return false;
	if (master->own.keys_event >= 0
	    && !events_watch(master->events, master->own.keys_event, EPOLLIN))
		return error_set(err, FAILURE_INTERNAL, "could not set up the master's events: %s",
		                 strerror(errno));
	backtrace_prepare();
	master->pool = pool_new(master, &master->own);
	return true;
}

/* --- the end of a child --- */

static void
begin_idle_time(struct master *master)
{
	int64_t idle_s = master->own.settings->master_idle_timeout_s;

	master->idle_end = idle_s > 0 ? deadline_in_ms(idle_s * 1000) : DEADLINE_NEVER;
}

static void
kill_startup_check(const struct master *master)
{
	if (master->startup_check > 0)
		(void)kill(master->startup_check, SIGKILL);
}

static void
end_reload_check(struct master *master, int status)
{
	/* drain() killed it, or its end comes too late: no program serves as before. */
	if (master->ending || !reload_is_ready(&master->reload, &master->own, status))
		return;
	/* The new program makes its own. */
	kill_startup_check(master);
	reload_exec(master->pool, master->draining);
}

static void
on_child_exit(struct master *master, pid_t pid, int status)
{
	if (pid == master->reload.check) {
		end_reload_check(master, status);
	} else if (pid == master->startup_check) {
		child_log_crash("database check died", pid, status);
		master->startup_check = 0;
	} else if (pool_on_child_exit(master->pool, pid, status)) {
		begin_idle_time(master);
	} else if (!exporter_on_child_exit(&master->exporter, &master->own, pid, status)
	           && !key_fetcher_on_child_exit(&master->key_fetcher, pid, status)) {
		(void)draining_on_child_exit(master->draining, pid, status);
	}
}

/* Returns false if no children are left. */
static bool
reap_children(struct master *master)
{
	int status;
	pid_t pid;

	do {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0)
			on_child_exit(master, pid, status);
	} while (pid > 0 || (pid < 0 && errno == EINTR));
	return pid == 0;
}

/* --- timers --- */

static struct deadline
refill_due(const struct master *master)
{
	return pool_refill_due(master->pool);
}

static void
refill(struct master *master)
{
	pool_refill(master->pool);
}

static struct deadline
watch_due(const struct master *master)
{
	return pool_watch_due(master->pool);
}

static void
watch_workers(struct master *master)
{
	pool_watch(master->pool);
}

/* The listener is watched only while a connection that waits there would be a reason to fork. */
static struct deadline
listener_due(const struct master *master)
{
	if (pool_is_short(master->pool) == master->listening)
		return pool_pause_end(master->pool);
	return master->listen_retry;
}

static void
watch_listener(struct master *master)
{
	if (pool_is_short(master->pool)) {
		master->listening = events_watch(master->events, master->own.listener, EPOLLIN);
		if (!master->listening)
			master->listen_retry = deadline_in_ms(EVENTS_RETRY_MS);
	} else {
		events_unwatch(master->events, master->own.listener);
		master->listening = false;
	}
}

static struct deadline
exporter_timer_due(const struct master *master)
{
	return exporter_due(&master->exporter, &master->own);
}

static void
start_exporter(struct master *master)
{
	exporter_start(&master->exporter, &master->own);
}

static struct deadline
key_fetcher_timer_due(const struct master *master)
{
	return key_fetcher_due(&master->key_fetcher, &master->own);
}

static void
start_key_fetcher(struct master *master)
{
	key_fetcher_start(&master->key_fetcher, &master->own);
}

static struct deadline
draining_timer_due(const struct master *master)
{
	return draining_due(master->draining);
}

static void
end_hung_draining(struct master *master)
{
	draining_end_hung(master->draining);
}

static struct deadline
reload_timer_due(const struct master *master)
{
	return reload_due(&master->reload);
}

static void
stop_reload(struct master *master)
{
	reload_stop(&master->reload);
}

static struct deadline
watchdog_due(const struct master *master)
{
	return systemd_watchdog_ms() > 0 ? master->watchdog : DEADLINE_NEVER;
}

static void
feed_watchdog(struct master *master)
{
	systemd_notify("WATCHDOG=1");
	master->watchdog = deadline_in_ms(systemd_watchdog_ms());
}

static struct deadline
idle_due(const struct master *master)
{
	return pool_count(master->pool) > 0 ? DEADLINE_NEVER : master->idle_end;
}

static void
leave_if_idle(struct master *master)
{
	if (pool_connection_waits(master->pool))
		begin_idle_time(master);
	else
		master->ending = true;
}

/* All that the master does by time. An action moves its own deadline into the future. */
static const struct timer {
	struct deadline (*due)(const struct master *master);
	void (*act)(struct master *master);
	bool drains; /* also while the last workers end */
} timers[] = {
	{ refill_due, refill, false },
	{ watch_due, watch_workers, true },
	{ listener_due, watch_listener, true },
	{ exporter_timer_due, start_exporter, false },
	{ key_fetcher_timer_due, start_key_fetcher, false },
	{ draining_timer_due, end_hung_draining, true },
	{ reload_timer_due, stop_reload, false },
	{ watchdog_due, feed_watchdog, true },
	{ idle_due, leave_if_idle, false },
};

/* Does what is due. Returns when the next timer is. */
static struct deadline
run_timers(struct master *master)
{
	struct deadline next = DEADLINE_NEVER;

	for (size_t i = 0; i < COUNT_OF(timers); i++) {
		if (master->ending && !timers[i].drains)
			continue;
		if (deadline_passed(timers[i].due(master)))
			timers[i].act(master);
		next = deadline_sooner(next, timers[i].due(master));
	}
	return next;
}

/* --- events --- */

static void
read_signals(struct master *master)
{
	struct signalfd_siginfo info;

	while (read(master->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			master->ending = true;
		else if (info.ssi_signo == SIGHUP && !master->ending)
			reload_start(&master->reload, &master->own);
	}
	(void)reap_children(master);
}

/* A connection waits, and no worker is idle. One that is about to take it gets a moment. */
static void
meet_demand(struct master *master)
{
	if (pool_count(master->pool) > 0)
		clock_sleep_ms(TAKE_MS, deadline_in_ms(TAKE_MS));
	if (pool_is_short(master->pool) && pool_connection_waits(master->pool))
		pool_grow(master->pool);
}

static void
on_event(struct master *master, int fd)
{
	uint64_t ignored;

	if (fd == master->signals) {
		read_signals(master);
	} else if (fd == master->own.busy_event || fd == master->own.keys_event) {
		(void)!read(fd, &ignored, sizeof(ignored));
		if (fd == master->own.keys_event)
			key_fetcher_ask(&master->key_fetcher);
	} else {
		meet_demand(master);
	}
}

static void
wait_events(struct master *master, struct deadline until)
{
	struct epoll_event ready[4];
	int count;

	counters_flush_dropped_lines();
	count = epoll_wait(master->events, ready, COUNT_OF(ready), deadline_left_ms(until));
	for (int i = 0; i < count; i++)
		on_event(master, ready[i].data.fd);
}

/* --- the two halves of its life --- */

/* Once, when no request waits for it. */
static void
release_pages(struct master *master)
{
	if (master->pages_released || pool_connection_waits(master->pool))
		return;
	master->pages_released = true;
	release_clean_pages();
}

static void
serve(struct master *master)
{
	systemd_notify("READY=1\nSTATUS=serving");
	while (!master->ending) {
		struct deadline next = run_timers(master);

		release_pages(master);
		wait_events(master, next);
	}
}

/* Waits for the workers, and for those of an earlier program, which may have had more time. */
static void
wait_for_workers(struct master *master)
{
	struct deadline end = deadline_in_ms(master->own.settings->request_timeout_s * 1000
	                                     + POOL_DEADLINE_GRACE_MS);
	struct deadline earlier = draining_last_hung_at(master->draining);

	if (earlier.at_us > end.at_us)
		end = earlier;
	while (reap_children(master) && !deadline_passed(end)) {
		/* Only the exporter's end may be what is waited for, and nobody else ends it. */
		if (pool_count(master->pool) == 0) {
			exporter_close(&master->own);
			key_fetcher_stop(&master->key_fetcher);
		}
		wait_events(master, deadline_sooner(run_timers(master), end));
	}
}

static void
kill_children(struct master *master)
{
	struct deadline gone = deadline_in_ms(GONE_MAX_MS);

	if (pool_signal(master->pool, SIGKILL) > 0)
		log_plain(LOG_ERROR, "workers killed that did not end");
	draining_kill(master->draining);
	exporter_close(&master->own);
	key_fetcher_stop(&master->key_fetcher);
	/* A process that is still there has the socket. */
	while (reap_children(master) && !deadline_passed(gone))
		wait_events(master, gone);
}

static void
drain(struct master *master)
{
	log_plain(LOG_INFO, "stopping");
	systemd_notify("STOPPING=1");
	pool_close(master->pool);
	kill_startup_check(master);
	reload_stop(&master->reload);
	(void)pool_signal(master->pool, SIGTERM);
	atomic_store(&board->draining, 1);
	wait_for_workers(master);
	kill_children(master);
	atomic_store(&board->master_pid, 0);
	log_plain(LOG_INFO, "stopped");
}

int
master_run(const struct master_options *options)
{
	struct master *master = mem_new(mem_process(), struct master);
	struct error err;

	master->own = (struct inheritance){ .name = options->name,
		                            .routes = options->routes,
		                            .settings = options->settings,
		                            .master = getpid(),
		                            .listener = options->listener };
	if (!prepare(master, options->argv0, &err)) {
		log_printf(LOG_ERROR, "could not start", "%s", err.message);
		return EXIT_INTERNAL;
	}
	startup_check_log_settings(
	    options->settings,
	    sandbox_prepare((enum sandbox_mode)options->settings->worker_sandbox));
	begin_idle_time(master);
	pool_refill(master->pool);
	master->startup_check = startup_check_fork(&master->own, master->run_dir);
	serve(master);
	drain(master);
	return EXIT_DONE;
}
