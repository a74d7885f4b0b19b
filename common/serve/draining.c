#include "serve/draining.h"

#include <inttypes.h>
#include <signal.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "observe/scoreboard.h"
#include "serve/abort_grace.h"
#include "serve/child.h"

/* "pid:time pid:time …"; the times are of clock_now_us(), which an exec does not change. */
#define VARIABLE           "NULLPOOL_DRAINING"
#define VARIABLE_MAX_BYTES 65536

struct draining_worker {
	pid_t pid; /* 0: it has ended */
	struct deadline hung_at;
	struct abort_grace grace;
};

struct draining {
	size_t count;
	struct draining_worker *workers;
};

/* Reads "pid:time". Returns false if it is something else. */
static bool
read_worker(void *owner, const char *text, size_t size, struct draining_worker *worker)
{
	char *pid_text = mem_strndup(owner, text, size), *colon = strchr(pid_text, ':');
	int64_t pid;

	if (!colon)
		return false;
	*colon = '\0';
	if (!parse_int(pid_text, &pid) || pid <= 1 || pid > INT32_MAX
	    || !parse_int(colon + 1, &worker->hung_at.at_us))
		return false;
	worker->pid = (pid_t)pid;
	return true;
}

struct draining *
draining_read_environment(void *owner)
{
	const char *text = getenv(VARIABLE);
	struct draining *draining = mem_new(owner, struct draining);

	draining->workers = mem_array(draining, struct draining_worker,
	                              text ? strlen(text) + 1 : 1);
	while (text && *text) {
		size_t size = strcspn(text, " ");

		if (read_worker(draining, text, size, &draining->workers[draining->count]))
			draining->count++;
		text += size;
		text += strspn(text, " ");
	}
	draining_clear_environment();
	return draining;
}

static void
write_worker(struct buf *list, pid_t pid, struct deadline hung_at)
{
	if (pid > 0)
		buf_printf(list, "%d:%" PRId64 " ", (int)pid, hung_at.at_us);
}

void
draining_write_environment(const struct draining *draining, const struct pool *pool)
{
	struct buf list;

	buf_init(&list, mem_process(), VARIABLE_MAX_BYTES);
	for (size_t i = 0; i < draining->count; i++)
		write_worker(&list, draining->workers[i].pid, draining->workers[i].hung_at);
	for (size_t slot = 0; slot < scoreboard_plan()->slots; slot++)
		write_worker(&list, pool_pid(pool, slot), pool_hung_at(pool, slot));
	(void)setenv(VARIABLE, list.data, 1);
}

void
draining_clear_environment(void)
{
	(void)unsetenv(VARIABLE);
}

/* Returns when the next signal to a worker is due. */
static struct deadline
signal_due(const struct draining_worker *worker)
{
	return worker->pid == 0 ? DEADLINE_NEVER : abort_grace_due(&worker->grace, worker->hung_at);
}

struct deadline
draining_due(const struct draining *draining)
{
	struct deadline next = DEADLINE_NEVER;

	for (size_t i = 0; i < draining->count; i++)
		next = deadline_sooner(next, signal_due(&draining->workers[i]));
	return next;
}

void
draining_end_hung(struct draining *draining)
{
	for (size_t i = 0; i < draining->count; i++) {
		struct draining_worker *worker = &draining->workers[i];

		if (deadline_passed(signal_due(worker)))
			abort_grace_signal(&worker->grace, worker->pid);
	}
}

struct deadline
draining_last_hung_at(const struct draining *draining)
{
	struct deadline last = { 0 };

	for (size_t i = 0; i < draining->count; i++)
		if (draining->workers[i].pid != 0
		    && draining->workers[i].hung_at.at_us > last.at_us)
			last = draining->workers[i].hung_at;
	return last;
}

void
draining_kill(const struct draining *draining)
{
	for (size_t i = 0; i < draining->count; i++)
		if (draining->workers[i].pid != 0)
			(void)kill(draining->workers[i].pid, SIGKILL);
}

bool
draining_on_child_exit(struct draining *draining, pid_t pid, int status)
{
	for (size_t i = 0; i < draining->count; i++)
		if (draining->workers[i].pid == pid) {
			child_log_crash("worker died", pid, status);
			draining->workers[i].pid = 0;
			return true;
		}
	return false;
}
