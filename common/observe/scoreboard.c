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
/* How often a reader asks again while somebody writes, before it takes the writer for dead. */
#define READ_TRIES       1000
#define METHOD_MAX_BYTES 16

struct scoreboard *board;
static struct scoreboard_plan own;
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
	return &own;
}

size_t
scoreboard_bytes(size_t slots, size_t routes)
{
	return sizeof(struct scoreboard) + slots * sizeof(struct slot)
	       + routes * sizeof(struct route_counts);
}

/* A new file beside the old one, put in its place when it is whole: workers of an earlier master go
 * on writing into the file that they have. */
static int
new_file(const char *path, size_t size, struct error *err)
{
	char *fresh = mem_printf(NULL, "%s.new", path);
	int fd;

	(void)unlink(fresh);
	fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, BOARD_MODE);
	/* Not ftruncate(): where the file system is full, the first store would be a SIGBUS. */
	if (fd >= 0
	    && ((errno = posix_fallocate(fd, 0, (off_t)size)) != 0 || rename(fresh, path) != 0)) {
		(void)unlink(fresh);
		(void)close(fd);
		fd = -1;
	}
	if (fd < 0)
		error_fill(err, NP_INTERNAL, "could not make \"%s\": %s", path, strerror(errno));
	mem_free(fresh);
	return fd;
}

static struct route_counts *
own_routes(void)
{
	return (struct route_counts *)(void *)&board->slots[own.slots];
}

static void
name_routes(const struct np_route *routes)
{
	struct route_counts *counts = own_routes();

	(void)snprintf(counts[0].method, sizeof(counts[0].method), "-");
	(void)snprintf(counts[0].path, sizeof(counts[0].path), "-");
	for (uint32_t i = 1; i < own_route_count; i++) {
		(void)snprintf(counts[i].method, sizeof(counts[i].method), "%s",
		               routes[i - 1].method);
		(void)snprintf(counts[i].path, sizeof(counts[i].path), "%s", routes[i - 1].path);
	}
}

static uint32_t
count_routes(const struct np_route *routes)
{
	uint32_t count = 0;

	while (routes[count].method)
		count++;
	return count + 1;
}

bool
scoreboard_create(const char *path, const struct scoreboard_plan *plan, struct error *err)
{
	uint32_t routes = count_routes(plan->routes);
	size_t bytes = scoreboard_bytes(plan->slots, routes);
	int fd = path ? new_file(path, bytes, err) : -1;
	int flags = path ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS;
	struct scoreboard *made;

	if (path && fd < 0)
		return false;
	made = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (fd >= 0)
		(void)close(fd);
	if (made == MAP_FAILED)
		return error_set(err, NP_INTERNAL, "could not map the scoreboard: %s",
		                 strerror(errno));
	made->created_us = clock_now_us();
	made->pool_size = plan->pool_size;
	made->max_overflow = plan->max_overflow;
	made->uses_database = plan->uses_database;
	made->slot_count = plan->slots;
	made->route_count = routes;
	made->version = SCOREBOARD_VERSION;
	(void)snprintf(made->name, sizeof(made->name), "%s", plan->name);
	board = made;
	own = *plan;
	own_route_count = routes;
	name_routes(plan->routes);
	atomic_store(&made->master_pid, (int)getpid());
	atomic_thread_fence(memory_order_release);
	made->magic = SCOREBOARD_MAGIC;
	return true;
}

const char *
scoreboard_directory(void)
{
	static const char *const usual[] = { "/run/nullpool", ".local/run" };

	for (size_t i = 0; i < COUNT_OF(usual); i++)
		if (access(usual[i], X_OK) == 0)
			return usual[i];
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
	size_t place = SCOREBOARD_STATUSES - 1;

	while (place > 0 && scoreboard_statuses[place] != status)
		place--;
	atomic_fetch_add(&counts->by_status[place], 1);
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
	return count_states(board, own.slots, state);
}

size_t
scoreboard_overflow(void)
{
	size_t alive = own.slots - scoreboard_count(SLOT_FREE), kept = (size_t)own.pool_size;

	return alive > kept ? alive - kept : 0;
}

size_t
scoreboard_overflow_of(const struct scoreboard *other)
{
	size_t alive = other->slot_count - scoreboard_count_of(other, SLOT_FREE),
	       kept = (size_t)other->pool_size;

	return alive > kept ? alive - kept : 0;
}

size_t
scoreboard_count_ahead(int ahead, const struct slot *end)
{
	size_t count = 0;

	for (uint32_t i = 0; i < own.slots && &board->slots[i] != end; i++)
		count += atomic_load(&board->slots[i].state) == SLOT_IDLE
		         && atomic_load(&board->slots[i].ahead) >= ahead;
	return count;
}
