#include "observe/scoreboard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#define BOARD_MODE 0640
/* How often a reader tries again while the texts are written, before it takes the writer for dead.
 */
#define READ_TRIES       1000
#define METHOD_MAX_BYTES 16

struct scoreboard *board;
static struct scoreboard_plan own_plan;
static uint32_t own_route_count;

const int scoreboard_statuses[SCOREBOARD_STATUSES] = { 0,   200, 201, 202, 204, 304, 400,
	                                               401, 403, 404, 405, 409, 413, 415,
	                                               422, 499, 500, 503, 504 };

const int64_t scoreboard_bounds_us[SCOREBOARD_BOUNDS] = { 1000,     2500,    5000,    10000,
	                                                  25000,    50000,   100000,  250000,
	                                                  500000,   1000000, 2500000, 5000000,
	                                                  10000000, 30000000 };

const struct scoreboard_plan *
scoreboard_plan(void)
{
	return &own_plan;
}

size_t
scoreboard_bytes(size_t slots, size_t routes)
{
	return sizeof(struct scoreboard) + slots * sizeof(struct slot)
	       + routes * sizeof(struct route_counts);
}

/* Creates a new file and renames it to `path`. The workers of an earlier master still write to the
 * old one. */
static int
create_file(const char *path, size_t size, struct error *err)
{
	char *temporary = mem_printf(NULL, "%s.new", path);
	int fd;

	(void)unlink(temporary);
	fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, BOARD_MODE);
	/* Not ftruncate(): on a full file system the first store would then raise SIGBUS. */
	if (fd >= 0
	    && ((errno = posix_fallocate(fd, 0, (off_t)size)) != 0
	        || rename(temporary, path) != 0)) {
		(void)unlink(temporary);
		(void)close(fd);
		fd = -1;
	}
	if (fd < 0)
		error_fill(err, FAILURE_INTERNAL, "could not create \"%s\": %s", path,
		           strerror(errno));
	mem_free(temporary);
	return fd;
}

static struct route_counts *
own_routes(void)
{
	return (struct route_counts *)(void *)&board->slots[own_plan.slots];
}

static void
write_route_names(const struct route_table *routes)
{
	struct route_counts *counts = own_routes();

	(void)snprintf(counts[0].method, sizeof(counts[0].method), "-");
	(void)snprintf(counts[0].path, sizeof(counts[0].path), "-");
	for (uint32_t i = 1; i < own_route_count; i++) {
		const struct np_route *route = &routes->items[i - 1];

		(void)snprintf(counts[i].method, sizeof(counts[i].method), "%s", route->method);
		(void)snprintf(counts[i].path, sizeof(counts[i].path), "%s", route->path);
	}
}

bool
scoreboard_create(const char *path, const struct scoreboard_plan *plan, struct error *err)
{
	uint32_t routes = (uint32_t)plan->routes->count + 1;
	size_t bytes = scoreboard_bytes(plan->slots, routes);
	int fd = path ? create_file(path, bytes, err) : -1;
	int flags = path ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS;
	struct scoreboard *created;

	if (path && fd < 0)
		return false;
	created = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (fd >= 0)
		(void)close(fd);
	if (created == MAP_FAILED)
		return error_set(err, FAILURE_INTERNAL, "could not map the scoreboard: %s",
		                 strerror(errno));
	created->created_us = clock_now_us();
	created->pool_size = plan->pool_size;
	created->max_overflow = plan->max_overflow;
	created->uses_database = plan->uses_database;
	created->slot_count = plan->slots;
	created->route_count = routes;
	created->version = SCOREBOARD_VERSION;
	(void)snprintf(created->name, sizeof(created->name), "%s", plan->name);
	board = created;
	own_plan = *plan;
	own_route_count = routes;
	write_route_names(plan->routes);
	atomic_store(&created->master_pid, (int)getpid());
	atomic_thread_fence(memory_order_release);
	created->magic = SCOREBOARD_MAGIC;
	return true;
}

const char *
scoreboard_directory(void)
{
	static const char *const usual_directories[] = { "/run/nullpool", ".local/run" };

	for (size_t i = 0; i < COUNT_OF(usual_directories); i++)
		if (access(usual_directories[i], X_OK) == 0)
			return usual_directories[i];
	return NULL;
}

const struct route_counts *
scoreboard_routes(const struct scoreboard *other)
{
	return (const struct route_counts *)(const void *)&other->slots[other->slot_count];
}

void
histogram_add(struct histogram *histogram, int64_t us)
{
	size_t bucket = 0;

	while (bucket < SCOREBOARD_BOUNDS && us > scoreboard_bounds_us[bucket])
		bucket++;
	atomic_fetch_add(&histogram->buckets[bucket], 1);
	atomic_fetch_add(&histogram->sum_us, (unsigned long long)us);
}

void
scoreboard_count_request(int64_t route, int status, int64_t us)
{
	struct route_counts *counts = &own_routes()[route + 1];
	size_t index = SCOREBOARD_STATUSES - 1;

	/* Alarms look at 5xx. */
	if (status > 500 && status != 503 && status != 504)
		status = 500;
	while (index > 0 && scoreboard_statuses[index] != status)
		index--;
	atomic_fetch_add(&counts->by_status[index], 1);
	histogram_add(&counts->duration, us);
}

void
slot_set(struct slot *slot, enum slot_state state)
{
	atomic_store(&slot->since_us, clock_now_us());
	atomic_store(&slot->state, (int)state);
}

void
slot_describe(struct slot *slot, const char *method, const char *route, const char *request_id)
{
	struct buf text;

	atomic_fetch_add(&slot->sequence, 1);
	buf_init_fixed(&text, slot->route, sizeof(slot->route));
	buf_add(&text, method, strnlen(method, METHOD_MAX_BYTES));
	buf_char(&text, ' ');
	buf_add(&text, route, strnlen(route, sizeof(slot->route) - 1 - text.size));
	buf_init_fixed(&text, slot->request_id, sizeof(slot->request_id));
	buf_add(&text, request_id, strnlen(request_id, sizeof(slot->request_id) - 1));
	atomic_fetch_add(&slot->sequence, 1);
}

bool
slot_read_texts(const struct slot *slot, char route[SCOREBOARD_ROUTE_BYTES],
                char id[SCOREBOARD_ID_BYTES])
{
	for (int i = 0; i < READ_TRIES; i++) {
		unsigned before = atomic_load(&slot->sequence);

		memcpy(route, slot->route, SCOREBOARD_ROUTE_BYTES - 1);
		memcpy(id, slot->request_id, SCOREBOARD_ID_BYTES - 1);
		route[SCOREBOARD_ROUTE_BYTES - 1] = '\0';
		id[SCOREBOARD_ID_BYTES - 1] = '\0';
		if (before % 2 == 0 && atomic_load(&slot->sequence) == before)
			return true;
	}
	route[0] = '\0';
	id[0] = '\0';
	return false;
}

void
slot_clear(struct slot *slot)
{
	slot->route[0] = '\0';
	slot->request_id[0] = '\0';
	atomic_store(&slot->sequence, 0);
	atomic_store(&slot->pid, 0);
	atomic_store(&slot->draining, 0);
	atomic_store(&slot->ahead, 0);
	atomic_store(&slot->deadline_us, 0);
	atomic_store(&slot->requests, 0);
	slot_set(slot, SLOT_FREE);
}

int64_t
slot_age_us(const struct slot *slot, int64_t now_us)
{
	int64_t since_us = atomic_load(&slot->since_us);

	return since_us > 0 && since_us < now_us ? now_us - since_us : 0;
}

static size_t
count_states(const struct scoreboard *of, uint32_t slots, enum slot_state state)
{
	size_t count = 0;

	for (uint32_t i = 0; i < slots; i++)
		count += atomic_load(&of->slots[i].state) == (int)state;
	return count;
}

size_t
scoreboard_count_of(const struct scoreboard *other, enum slot_state state)
{
	return count_states(other, other->slot_count, state);
}

size_t
scoreboard_count(enum slot_state state)
{
	return count_states(board, own_plan.slots, state);
}

static size_t
count_overflow(size_t slots, size_t free_slots, int32_t pool_size)
{
	size_t alive = slots - free_slots, permanent = (size_t)pool_size;

	return alive > permanent ? alive - permanent : 0;
}

size_t
scoreboard_overflow_of(const struct scoreboard *other)
{
	return count_overflow(other->slot_count, scoreboard_count_of(other, SLOT_FREE),
	                      other->pool_size);
}

size_t
scoreboard_overflow(void)
{
	return count_overflow(own_plan.slots, scoreboard_count(SLOT_FREE), own_plan.pool_size);
}

size_t
scoreboard_count_ahead(int ahead, const struct slot *end)
{
	size_t count = 0;

	for (uint32_t i = 0; i < own_plan.slots && &board->slots[i] != end; i++)
		count += atomic_load(&board->slots[i].state) == SLOT_IDLE
		         && atomic_load(&board->slots[i].ahead) >= ahead;
	return count;
}
