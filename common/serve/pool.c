#include "serve/pool.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/poll.h"
#include "observe/scoreboard.h"
#include "serve/abort_grace.h"
#include "serve/events.h"
#include "serve/request_in_hand.h"
#include "serve/worker.h"

/* A worker that lived shorter than this died of itself, not of a request. */
#define SHORT_LIFE_US  INT64_C(1000000)
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS   10000
/* How often the master looks at its workers. A deadline is at least a second away when it is
 * set. */
#define WATCH_MS 1000
/* How long an idle worker may take to wake up. */
#define WAKEUP_MAX_MS 2000

struct pool_worker {
	pid_t pid;      /* 0: none */
	bool permanent; /* one of `size`, not of the overflow */
	int64_t born_us;
	struct abort_grace grace;
};

struct pool {
	const struct inheritance *from;
	struct pool_worker *workers; /* by slot */
	size_t slots, size, max_workers;
	int failures; /* young deaths in a row */
	struct deadline pause_end;
	struct deadline next_watch;
	int64_t woken_us; /* when all idle workers were woken; 0: none is waited for */
	bool closed;
};

/* All that may live at a time. A worker that is leaving has its successor beside it where the
 * overflow has room. Without an overflow there is one slot for that. */
uint32_t
pool_slots(const struct settings *settings)
{
	return (uint32_t)(settings->database_pool_size
	                  + (settings->database_max_overflow > 0 ? settings->database_max_overflow
	                                                         : 1));
}

struct pool *
pool_new(void *owner, const struct inheritance *from)
{
	struct pool *pool = mem_new(owner, struct pool);

	pool->from = from;
	pool->slots = scoreboard_plan()->slots;
	pool->workers = mem_array(pool, struct pool_worker, pool->slots);
	pool->size = (size_t)from->settings->database_pool_size;
	pool->max_workers = pool->size + (size_t)from->settings->database_max_overflow;
	return pool;
}

/* --- what the pool looks at --- */

size_t
pool_count(const struct pool *pool)
{
	size_t alive = 0;

	for (size_t slot = 0; slot < pool->slots; slot++)
		alive += pool->workers[slot].pid != 0;
	return alive;
}

pid_t
pool_pid(const struct pool *pool, size_t slot)
{
	return pool->workers[slot].pid;
}

bool
pool_connection_waits(const struct pool *pool)
{
	return poll_until(pool->from->listener, POLLIN, DEADLINE_NOW) == POLL_READY;
}

/* --- forks --- */

struct worker_start {
	struct slot *slot;
	bool permanent;
};

static int
run_worker(const struct inheritance *own, const void *argument)
{
	const struct worker_start *start = argument;

	return worker_run(own, start->slot,
	                  start->permanent ? 0 : own->settings->worker_idle_timeout_s);
}

static size_t
free_slot(const struct pool *pool)
{
	size_t slot = 0;

	while (slot < pool->slots && pool->workers[slot].pid != 0)
		slot++;
	return slot;
}

static void
pause_forks(struct pool *pool)
{
	int64_t pause_ms = PAUSE_FIRST_MS;

	pool->failures++;
	for (int i = 1; i < pool->failures && pause_ms < PAUSE_MAX_MS; i++)
		pause_ms *= 2;
	pool->pause_end = deadline_in_ms(pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
}

/* Returns false if there is no slot, or the fork failed. The end of a child, or the end of the
 * pause, brings the pool back to it. */
static bool
start_worker(struct pool *pool, bool permanent)
{
	size_t index = free_slot(pool);
	struct worker_start start = { .permanent = permanent };
	pid_t pid;

	if (index == pool->slots)
		return false;
	start.slot = &board->slots[index];
	slot_clear(start.slot);
	slot_set(start.slot, SLOT_STARTING);
	pid = child_fork(pool->from, CHILD_WORKER, run_worker, &start);
	if (pid < 0) {
		slot_clear(start.slot);
		pause_forks(pool);
		return false;
	}
	atomic_store(&start.slot->pid, (int)pid);
	atomic_fetch_add(&board->worker_forks, 1);
	pool->workers[index] = (struct pool_worker){ .pid = pid,
		                                     .permanent = permanent,
		                                     .born_us = clock_now_us() };
	return true;
}

/* Does not count those that are about to leave. */
static size_t
count_permanent(const struct pool *pool)
{
	size_t alive = 0;

	for (size_t slot = 0; slot < pool->slots; slot++)
		alive += pool->workers[slot].pid != 0 && pool->workers[slot].permanent
		         && atomic_load(&board->slots[slot].draining) == 0;
	return alive;
}

struct deadline
pool_refill_due(const struct pool *pool)
{
	if (pool->closed || count_permanent(pool) >= pool->size || free_slot(pool) == pool->slots)
		return DEADLINE_NEVER;
	return pool->pause_end;
}

void
pool_refill(struct pool *pool)
{
	while (deadline_passed(pool_refill_due(pool)))
		if (!start_worker(pool, true))
			break;
}

bool
pool_is_short(const struct pool *pool)
{
	return !pool->closed && deadline_passed(pool->pause_end)
	       && scoreboard_count(SLOT_IDLE) + scoreboard_count(SLOT_STARTING) == 0
	       && pool_count(pool) < pool->max_workers;
}

struct deadline
pool_pause_end(const struct pool *pool)
{
	return pool->closed || deadline_passed(pool->pause_end) ? DEADLINE_NEVER : pool->pause_end;
}

void
pool_grow(struct pool *pool)
{
	(void)start_worker(pool, false);
}

void
pool_close(struct pool *pool)
{
	pool->closed = true;
}

/* --- workers that hang --- */

/* A slot may hold any value. No request has a deadline later than one that begins now. */
struct deadline
pool_hung_at(const struct pool *pool, size_t slot)
{
	struct deadline latest = deadline_in_ms(pool->from->settings->request_timeout_s * 1000);
	int64_t deadline_us = atomic_load(&board->slots[slot].deadline_us);

	if (atomic_load(&board->slots[slot].state) == SLOT_BUSY && deadline_us < latest.at_us)
		latest.at_us = deadline_us > 0 ? deadline_us : 0;
	latest.at_us += POOL_DEADLINE_GRACE_MS * INT64_C(1000);
	return latest;
}

/* Returns when the next signal to a worker is due. */
static struct deadline
signal_due(const struct pool *pool, size_t slot)
{
	const struct pool_worker *worker = &pool->workers[slot];
	bool busy = atomic_load(&board->slots[slot].state) == SLOT_BUSY;

	if (worker->pid == 0)
		return DEADLINE_NEVER;
	return abort_grace_due(&worker->grace, busy ? pool_hung_at(pool, slot) : DEADLINE_NEVER);
}

struct deadline
pool_watch_due(const struct pool *pool)
{
	struct deadline next = pool->next_watch;

	if (pool_count(pool) == 0)
		return DEADLINE_NEVER;
	for (size_t slot = 0; slot < pool->slots; slot++)
		next = deadline_sooner(next, signal_due(pool, slot));
	return next;
}

static void
log_worker(const struct slot *slot, pid_t pid, int status, const char *event)
{
	struct log_line line;

	log_begin(&line, LOG_ERROR, event);
	child_add_exit(&line, pid, status);
	request_in_hand_log(&line, slot);
	log_end(&line);
}

static void
abort_worker(struct pool *pool, size_t slot, const char *event)
{
	struct pool_worker *worker = &pool->workers[slot];

	atomic_fetch_add(&board->worker_kills, 1);
	log_worker(&board->slots[slot], worker->pid, SIGKILL, event);
	abort_grace_signal(&worker->grace, worker->pid);
}

static void
end_hung_worker(struct pool *pool, size_t slot)
{
	struct pool_worker *worker = &pool->workers[slot];

	if (worker->grace.aborted)
		abort_grace_signal(&worker->grace, worker->pid);
	else
		abort_worker(pool, slot, "worker killed, past its deadline");
}

/* Returns true if a worker is as idle as it was when all were woken. */
static bool
is_still_asleep(const struct pool *pool, size_t slot)
{
	const struct slot *what = &board->slots[slot];
	int state = atomic_load(&what->state);

	return pool->workers[slot].pid != 0 && !pool->workers[slot].grace.aborted
	       && (state == SLOT_IDLE || state == SLOT_STARTING)
	       && atomic_load(&what->since_us) < pool->woken_us
	       && atomic_load(&what->last_wakeup_us) < pool->woken_us;
}

static bool
is_wakeup_overdue(const struct pool *pool)
{
	return clock_now_us() - pool->woken_us >= WAKEUP_MAX_MS * INT64_C(1000);
}

/* A worker that was taken over may have filled the eventfd and made it block: it is written only
 * where it takes something. */
static void
wake_idle_workers(const struct pool *pool)
{
	if (poll_until(pool->from->ready_event, POLLOUT, DEADLINE_NOW) == POLL_READY)
		events_wake(pool->from->ready_event);
}

/* An idle worker takes a connection within a moment. If one waits all the same, all idle workers
 * are woken, since the kernel may have woken one that hangs. A worker that has not woken up after a
 * while hangs. Under load a connection waits at every look, and it means nothing. */
static void
watch_idle_workers(struct pool *pool)
{
	if (pool->woken_us > 0) {
		if (!is_wakeup_overdue(pool))
			return;
		for (size_t slot = 0; slot < pool->slots; slot++)
			if (is_still_asleep(pool, slot))
				abort_worker(pool, slot, "worker killed, it took no connection");
		pool->woken_us = 0;
	}
	if (pool_is_short(pool)
	    || scoreboard_count(SLOT_IDLE) + scoreboard_count(SLOT_STARTING) == 0
	    || !pool_connection_waits(pool))
		return;
	pool->woken_us = clock_now_us(); /* first: some wake up before the write returns */
	wake_idle_workers(pool);
}

void
pool_watch(struct pool *pool)
{
	int64_t now_us = clock_now_us();

	for (size_t slot = 0; slot < pool->slots; slot++) {
		if (deadline_passed(signal_due(pool, slot)))
			end_hung_worker(pool, slot);
		/* A worker that serves has outlived what killed those before it. */
		if (pool->failures > 0 && atomic_load(&board->slots[slot].state) == SLOT_IDLE
		    && slot_age_us(&board->slots[slot], now_us) >= SHORT_LIFE_US)
			pool->failures = 0;
	}
	if (!pool->closed)
		watch_idle_workers(pool);
	pool->next_watch = deadline_in_ms(WATCH_MS);
}

/* --- the end of a worker --- */

size_t
pool_signal(const struct pool *pool, int signal)
{
	for (size_t slot = 0; slot < pool->slots; slot++)
		if (pool->workers[slot].pid != 0)
			(void)kill(pool->workers[slot].pid, signal);
	return pool_count(pool);
}

/* For a worker that the pool did not kill itself: those are counted already. */
static void
count_crash(struct pool *pool, size_t slot, int status)
{
	const struct pool_worker *worker = &pool->workers[slot];
	const struct slot *what = &board->slots[slot];
	bool young = clock_now_us() - worker->born_us < SHORT_LIFE_US
	             && atomic_load(&what->requests) == 0 && atomic_load(&what->state) != SLOT_BUSY;

	atomic_fetch_add(&board->worker_crashes, 1);
	log_worker(what, worker->pid, status, "worker died");
	if (young)
		pause_forks(pool);
}

bool
pool_on_child_exit(struct pool *pool, pid_t pid, int status)
{
	size_t slot = 0;

	while (slot < pool->slots && pool->workers[slot].pid != pid)
		slot++;
	if (slot == pool->slots)
		return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE)
		pool->failures = 0;
	else if (!pool->workers[slot].grace.aborted)
		count_crash(pool, slot, status);
	pool->workers[slot] = (struct pool_worker){ .pid = 0 };
	slot_clear(&board->slots[slot]);
	/* The others may have left the listener to this one. */
	wake_idle_workers(pool);
	return true;
}
