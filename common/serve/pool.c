#include "serve/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/app.h"
#include "base/exit_code.h"
#include "base/log.h"
#include "base/mem.h"
#include "observe/counters.h"
#include "observe/scoreboard.h"
#include "serve/exporter.h"
#include "serve/worker.h"

/* One that lived shorter than this died of itself, not of a request. */
#define SHORT_LIFE_US  INT64_C(1000000)
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS   10000
/* A request's own deadline comes first; this is for a handler that loops or a process that is
 * stopped. */
#define WATCHDOG_US INT64_C(2000000)
/* How often the master looks after its workers. A deadline is at least a second away when it is
 * set. */
#define TICK_MS 1000
#define FAR_MS  3600000

struct child {
	pid_t pid;       /* 0: none */
	bool kept;       /* one of `size`, not of the overflow */
	int64_t born_us; /* of clock_now_us() */
	int64_t kill_us; /* it was asked to end, by SIGABRT, and is killed then; 0: it was not */
};

struct pool {
	struct pool_options options;
	pid_t master;
	struct child *children; /* by slot */
	size_t slots, size, most;
	int failures; /* young deaths in a row */
	int64_t due_us;
	bool closed;
};

static struct app_pool
pool_now(void)
{
	return (struct app_pool){
		.size = scoreboard_plan()->pool_size,
		.overflow = (int64_t)scoreboard_overflow(),
		.checked_out = (int64_t)scoreboard_count(SLOT_BUSY),
	};
}

/* All that may live at a time. One that is leaving has its successor beside it where the overflow
 * has room; without an overflow there is one place for that. */
uint32_t
pool_slots(const struct settings *settings)
{
	return (uint32_t)(settings->database_pool_size
	                  + (settings->database_max_overflow > 0 ? settings->database_max_overflow
	                                                         : 1));
}

struct pool *
pool_new(void *owner, const struct pool_options *options)
{
	struct pool *pool = mem_new(owner, struct pool);

	pool->options = *options;
	pool->master = getpid();
	pool->slots = scoreboard_plan()->slots;
	pool->children = mem_array(pool, struct child, pool->slots);
	pool->size = (size_t)options->settings->database_pool_size;
	pool->most = pool->size + (size_t)options->settings->database_max_overflow;
	return pool;
}

pid_t
pool_fork(const struct pool *pool)
{
	pid_t pid;

	/* The child begins with the same figure, and must not tell it again. */
	counters_flush_dropped_lines();
	pid = fork();
	if (pid < 0)
		log_printf(LOG_ERROR, "could not fork", "%s", strerror(errno));
	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != pool->master)
		_exit(0);
	return 0;
}

void
pool_drop_listener(const struct pool *pool)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)dup2(null, STDIN_FILENO);
	if (pool->options.listener != STDIN_FILENO)
		(void)close(pool->options.listener);
}

struct app *
pool_child_app(const struct pool *pool)
{
	struct app *app = mem_new(mem_process(), struct app);
	struct error err;

	if (!app_init(mem_process(), app, pool->options.name, pool->options.routes,
	              pool->options.settings, &err)) {
		log_printf(LOG_ERROR, "could not start a worker", "%s", err.message);
		exit(EXIT_INTERNAL);
	}
	app->pool = pool_now;
	return app;
}

void
pool_end_child(void)
{
	mem_end();
	exit(0);
}

static void
run_worker(const struct pool *pool, size_t slot, bool kept)
{
	const struct settings *settings = pool->options.settings;
	const struct worker_options options = {
		.app = pool_child_app(pool),
		.listener = pool->options.listener,
		.busy_event = pool->options.busy_event,
		.ready_event = pool->options.ready_event,
		.slot = &board->slots[slot],
		.spans = exporter_writer(pool->options.exporter),
		.idle_timeout_s = kept ? 0 : settings->worker_idle_timeout_s,
		.max_requests = settings->worker_max_requests,
	};

	/* At once: a leak checker's own exit may need what was missing here. */
	if (!worker_run(&options))
		_exit(EXIT_INTERNAL);
	pool_end_child();
}

static size_t
free_slot(const struct pool *pool)
{
	size_t slot = 0;

	while (slot < pool->slots && pool->children[slot].pid != 0)
		slot++;
	return slot;
}

static void
pause_forks(struct pool *pool)
{
	int64_t pause_ms = PAUSE_FIRST_MS;

	for (int i = 1; i < pool->failures && pause_ms < PAUSE_MAX_MS; i++)
		pause_ms *= 2;
	pool->due_us = clock_now_us() + (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS) * 1000;
}

/* False: there is no place, or no fork; the end of a child, or time, brings the pool back to it. */
static bool
start(struct pool *pool, bool kept)
{
	size_t slot = free_slot(pool);
	pid_t pid;

	if (slot == pool->slots)
		return false;
	slot_clear(&board->slots[slot]);
	slot_set(&board->slots[slot], SLOT_STARTING);
	pid = pool_fork(pool);
	if (pid == 0)
		run_worker(pool, slot, kept);
	if (pid < 0) {
		slot_clear(&board->slots[slot]);
		pool->failures++;
		pause_forks(pool);
		return false;
	}
	atomic_store(&board->slots[slot].pid, (int)pid);
	atomic_fetch_add(&board->worker_forks, 1);
	pool->children[slot] = (struct child){ .pid = pid,
		                               .kept = kept,
		                               .born_us = clock_now_us() };
	return true;
}

/* The kept ones that are not about to leave. */
static size_t
count_kept(const struct pool *pool)
{
	size_t alive = 0;

	for (size_t slot = 0; slot < pool->slots; slot++)
		alive += pool->children[slot].pid != 0 && pool->children[slot].kept
		         && atomic_load(&board->slots[slot].draining) == 0;
	return alive;
}

static bool
may_fork(const struct pool *pool)
{
	return !pool->closed && clock_now_us() >= pool->due_us;
}

/* The slot may say any time; none of a request is later than one that begins now has. */
int64_t
pool_deadline_us(const struct pool *pool, size_t slot)
{
	int64_t latest_us = clock_now_us() + pool->options.settings->request_timeout_s * 1000000;
	int64_t deadline_us = atomic_load(&board->slots[slot].deadline_us);

	if (atomic_load(&board->slots[slot].state) != SLOT_BUSY || deadline_us > latest_us)
		return latest_us;
	return deadline_us > 0 ? deadline_us : 0;
}

pid_t
pool_pid(const struct pool *pool, size_t slot)
{
	return pool->children[slot].pid;
}

/* When a worker's time is over: that of its request, with the watchdog's grace, or of its last
 * words. */
static int64_t
due_us_of(const struct pool *pool, size_t slot)
{
	const struct child *child = &pool->children[slot];

	if (child->pid == 0)
		return INT64_MAX;
	if (child->kill_us > 0)
		return child->kill_us;
	if (atomic_load(&board->slots[slot].state) != SLOT_BUSY)
		return INT64_MAX;
	return pool_deadline_us(pool, slot) + WATCHDOG_US;
}

static int64_t
next_watch_us(const struct pool *pool)
{
	int64_t next_us = INT64_MAX;

	for (size_t slot = 0; slot < pool->slots; slot++)
		if (due_us_of(pool, slot) < next_us)
			next_us = due_us_of(pool, slot);
	return next_us;
}

struct deadline
pool_tend(struct pool *pool)
{
	struct deadline next;

	while (may_fork(pool) && count_kept(pool) < pool->size)
		if (!start(pool, true))
			break;
	next = deadline_in_ms(pool_signal(pool, 0) > 0 ? TICK_MS : FAR_MS);
	if (!pool->closed && pool->due_us > clock_now_us() && pool->due_us < next.at_us)
		next.at_us = pool->due_us;
	if (next_watch_us(pool) < next.at_us)
		next.at_us = next_watch_us(pool);
	return next;
}

bool
pool_is_short(const struct pool *pool)
{
	return may_fork(pool) && scoreboard_count(SLOT_IDLE) + scoreboard_count(SLOT_STARTING) == 0
	       && pool_signal(pool, 0) < pool->most;
}

void
pool_grow(struct pool *pool)
{
	(void)start(pool, false);
}

static void
log_death(const struct slot *slot, pid_t pid, int status, const char *event)
{
	char route[SCOREBOARD_ROUTE_BYTES], id[SCOREBOARD_ID_BYTES];
	bool busy = atomic_load(&slot->state) == SLOT_BUSY && slot_read_texts(slot, route, id);
	struct log_line line;

	log_begin(&line, LOG_ERROR, event);
	log_int(&line, "worker_pid", pid);
	if (WIFSIGNALED(status))
		log_int(&line, "signal", WTERMSIG(status));
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_string(&line, "detail", "it made a system call that WORKER_SANDBOX refuses");
	else if (WIFEXITED(status))
		log_int(&line, "exit_code", WEXITSTATUS(status));
	log_string(&line, "route", busy ? route : NULL);
	log_string(&line, "request_id", busy ? id : NULL);
	log_end(&line);
}

/* Whether the pool had a hand in it: a drain, or the watchdog, which counted it already. */
static void
count_death(struct pool *pool, const struct child *child, const struct slot *slot, int status)
{
	bool young = clock_now_us() - child->born_us < SHORT_LIFE_US
	             && atomic_load(&slot->requests) == 0 && atomic_load(&slot->state) != SLOT_BUSY;

	atomic_fetch_add(&board->worker_crashes, 1);
	log_death(slot, child->pid, status, "worker died");
	if (young) {
		pool->failures++;
		pause_forks(pool);
	}
}

bool
pool_bury(struct pool *pool, pid_t pid, int status)
{
	size_t slot = 0;

	while (slot < pool->slots && pool->children[slot].pid != pid)
		slot++;
	if (slot == pool->slots)
		return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		pool->failures = 0;
	else if (pool->children[slot].kill_us == 0)
		count_death(pool, &pool->children[slot], &board->slots[slot], status);
	pool->children[slot] = (struct child){ .pid = 0 };
	slot_clear(&board->slots[slot]);
	/* It may have been the one that the others left the listener to. */
	pool_wake_idle(pool);
	return true;
}

/* A worker that was taken over may have filled it and made it block: it is written only where it
 * takes something. */
void
pool_wake_idle(const struct pool *pool)
{
	const uint64_t one = 1;
	struct pollfd event = { .fd = pool->options.ready_event, .events = POLLOUT };

	if (poll(&event, 1, 0) > 0)
		(void)!write(event.fd, &one, sizeof(one));
}

/* One that hangs is asked first, so that it can say where (backtrace.h). */
static void
ask_to_end(struct pool *pool, size_t slot, const char *event)
{
	struct child *child = &pool->children[slot];

	atomic_fetch_add(&board->worker_kills, 1);
	log_death(&board->slots[slot], child->pid, SIGKILL, event);
	(void)kill(child->pid, SIGABRT);
	child->kill_us = clock_now_us() + POOL_LAST_WORDS_US;
}

static void
end_hung(struct pool *pool, size_t slot)
{
	struct child *child = &pool->children[slot];

	if (child->kill_us == 0) {
		ask_to_end(pool, slot, "worker killed, past its deadline");
		return;
	}
	(void)kill(child->pid, SIGKILL);
	child->kill_us = clock_now_us() + TICK_MS * INT64_C(1000);
}

void
pool_distrust_idle(struct pool *pool, int64_t woken_us)
{
	for (size_t slot = 0; slot < pool->slots; slot++) {
		struct slot *what = &board->slots[slot];
		int state = atomic_load(&what->state);

		if (pool->children[slot].pid != 0 && pool->children[slot].kill_us == 0
		    && (state == SLOT_IDLE || state == SLOT_STARTING)
		    && atomic_load(&what->since_us) < woken_us
		    && atomic_load(&what->last_wakeup_us) < woken_us)
			ask_to_end(pool, slot, "worker killed, it took no connection");
	}
}

void
pool_watch(struct pool *pool)
{
	int64_t now_us = clock_now_us();

	counters_flush_dropped_lines();
	for (size_t slot = 0; slot < pool->slots; slot++) {
		const struct slot *what = &board->slots[slot];

		if (now_us >= due_us_of(pool, slot))
			end_hung(pool, slot);
		/* One that serves has outlived what killed those before it. */
		if (pool->failures > 0 && atomic_load(&what->state) == SLOT_IDLE
		    && slot_age_us(what, now_us) >= SHORT_LIFE_US)
			pool->failures = 0;
	}
}

size_t
pool_signal(const struct pool *pool, int signal)
{
	size_t alive = 0;

	for (size_t slot = 0; slot < pool->slots; slot++)
		if (pool->children[slot].pid != 0) {
			if (signal != 0)
				(void)kill(pool->children[slot].pid, signal);
			alive++;
		}
	return alive;
}

void
pool_close(struct pool *pool)
{
	pool->closed = true;
}
