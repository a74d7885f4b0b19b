#include "observe/boards.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define SUFFIX ".board"
/* Far above what settings and tables allow, and small enough to be read at each scrape. */
#define WORKERS_MAX 10000
#define SLOTS_MAX   20000
#define ROUTES_MAX  1000
#define BYTES_MAX   (8 << 20)
/* The largest count that a double holds exactly. In microseconds it is 285 years. */
#define COUNT_MAX (UINT64_C(1) << 53)

/* Texts become labels of metrics, and columns on a terminal. */
static bool
is_label(const char *text, size_t room)
{
	size_t size = strnlen(text, room);

	if (size == 0 || size == room || !utf8_valid(text, size, NULL))
		return false;
	for (size_t i = 0; i < size; i++)
		if (text_is_control(text[i]))
			return false;
	return true;
}

static bool
is_between(int64_t value, int64_t least, int64_t most)
{
	return value >= least && value <= most;
}

static bool
counts_are_valid(const void *counts, size_t bytes)
{
	const atomic_ullong *count = counts;

	for (size_t i = 0; i < bytes / sizeof(*count); i++)
		if (atomic_load(&count[i]) > COUNT_MAX)
			return false;
	return true;
}

static bool
slots_are_valid(const struct scoreboard *of)
{
	for (uint32_t i = 0; i < of->slot_count; i++) {
		const struct slot *slot = &of->slots[i];

		if (!is_between(atomic_load(&slot->state), 0, SLOT__MAX - 1)
		    || atomic_load(&slot->pid) < 0)
			return false;
	}
	return true;
}

static bool
is_same_route(const struct route_counts *a, const struct route_counts *b)
{
	return strcmp(a->path, b->path) == 0 && strcmp(a->method, b->method) == 0;
}

/* Two routes of one name would be two samples with the same labels, for which Prometheus refuses a
 * whole scrape. */
static bool
routes_are_valid(const struct scoreboard *of)
{
	const struct route_counts *routes = scoreboard_routes(of);
	const size_t counts = offsetof(struct route_counts, by_status);

	for (uint32_t i = 0; i < of->route_count; i++) {
		const struct route_counts *route = &routes[i];

		if (!is_label(route->method, sizeof(route->method))
		    || !is_label(route->path, sizeof(route->path))
		    || !counts_are_valid(&route->by_status, sizeof(*route) - counts))
			return false;
		for (uint32_t before = 0; before < i; before++)
			if (is_same_route(&routes[before], route))
				return false;
	}
	return true;
}

/* The sizes are checked first: nothing after the header is read before they match the file. */
static const char *
find_header_fault(const struct scoreboard *of, size_t size, const char *name)
{
	if (size < sizeof(*of))
		return "it is too short";
	if (of->magic != SCOREBOARD_MAGIC)
		return "it is not a scoreboard";
	if (of->version != SCOREBOARD_VERSION)
		return "another version of nullpool made it";
	if (!is_between(of->slot_count, 1, SLOTS_MAX) || !is_between(of->route_count, 1, ROUTES_MAX)
	    || scoreboard_bytes(of->slot_count, of->route_count) != size)
		return "its size does not match its slots and routes";
	if (!is_label(of->name, sizeof(of->name)) || strcmp(of->name, name) != 0)
		return "its name does not match its file";
	if (!is_between(of->pool_size, 0, WORKERS_MAX)
	    || !is_between(of->max_overflow, 0, WORKERS_MAX)
	    || (int64_t)of->pool_size + of->max_overflow > of->slot_count)
		return "it has an invalid pool size";
	if (of->created_us < 0 || !is_between(of->uses_database, 0, 1)
	    || atomic_load(&of->master_pid) < 0)
		return "it has an invalid value";
	return NULL;
}

static const char *
find_fault(const struct scoreboard *of, size_t size, const char *name)
{
	const size_t counts = offsetof(struct scoreboard, worker_forks);
	const char *fault = find_header_fault(of, size, name);

	_Static_assert((sizeof(*of) - offsetof(struct scoreboard, worker_forks))
	                       % sizeof(of->worker_forks)
	                   == 0,
	               "all members from the first counter on are counters");
	if (fault)
		return fault;
	if (!counts_are_valid(&of->worker_forks, sizeof(*of) - counts))
		return "it has an invalid count";
	if (!slots_are_valid(of))
		return "it has an invalid worker";
	return routes_are_valid(of) ? NULL : "it has an invalid route";
}

const struct scoreboard *
board_check(const void *bytes, size_t size, const char *name, struct error *err)
{
	const char *fault = find_fault(bytes, size, name);

	if (!fault)
		return bytes;
	error_fill(err, FAILURE_INTERNAL, "%s", fault);
	return NULL;
}

/* Not mapped: a file that is truncated would raise SIGBUS, and its contents could change after the
 * check. */
static char *
read_file(void *owner, int fd, size_t *size, struct error *err)
{
	struct stat status;
	char *bytes;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > BYTES_MAX) {
		error_fill(err, FAILURE_INTERNAL, "it is not a scoreboard");
		return NULL;
	}
	*size = 0;
	bytes = mem_resize(owner, NULL, (size_t)status.st_size + 1);
	while (*size < (size_t)status.st_size) {
		ssize_t got = read(fd, bytes + *size, (size_t)status.st_size - *size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		*size += (size_t)got;
	}
	return bytes;
}

/* Returns "users" for /run/nullpool/users.board. */
static const char *
endpoint_name(void *owner, const char *path)
{
	const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
	size_t size = strlen(file);

	return mem_strndup(owner, file, text_ends(file, SUFFIX) ? size - strlen(SUFFIX) : size);
}

const struct scoreboard *
board_read(void *owner, const char *path, struct error *err)
{
	/* O_NONBLOCK: opening a FIFO of that name would wait. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t size;
	char *bytes;

	if (fd < 0) {
		error_fill(err, FAILURE_INTERNAL, "could not open it: %s", strerror(errno));
		return NULL;
	}
	bytes = read_file(owner, fd, &size, err);
	(void)close(fd);
	return bytes ? board_check(bytes, size, endpoint_name(owner, path), err) : NULL;
}

/* The name of the file is checked too. */
static void
add_refusal(void *owner, struct boards *found, const char *path, const struct error *err)
{
	const char *name = endpoint_name(owner, path);

	found->refused[found->refused_count++] = (struct board_refusal){
		is_label(name, SCOREBOARD_NAME_BYTES) ? name : "?",
		mem_strdup(owner, err->message),
	};
}

/* Returns true if the socket of the endpoint exists. */
static bool
has_socket(const char *path)
{
	char *socket = mem_printf(NULL, "%.*s.sock", (int)(strlen(path) - strlen(SUFFIX)), path);
	struct stat status;
	bool exists = lstat(socket, &status) == 0;

	mem_free(socket);
	return exists;
}

void
boards_read(void *owner, const char *directory, struct boards *found)
{
	char *pattern = mem_printf(NULL, "%s/*" SUFFIX, directory);
	struct error err;
	glob_t paths;

	*found = (struct boards){ .all = NULL };
	if (glob(pattern, 0, NULL, &paths) == 0) {
		found->all = mem_array(owner, const struct scoreboard *, paths.gl_pathc);
		found->refused = mem_array(owner, struct board_refusal, paths.gl_pathc);
		for (size_t i = 0; i < paths.gl_pathc; i++) {
			const struct scoreboard *one = board_read(owner, paths.gl_pathv[i], &err);

			if (!one)
				add_refusal(owner, found, paths.gl_pathv[i], &err);
			else if (!board_has_ended(one)
			         && (board_is_alive(one) || has_socket(paths.gl_pathv[i])))
				found->all[found->count++] = one;
		}
		globfree(&paths);
	}
	mem_free(pattern);
}

void
boards_write_refused(const struct boards *boards, struct buf *out)
{
	for (size_t i = 0; i < boards->refused_count; i++)
		buf_printf(out, ", %s: %s", boards->refused[i].name, boards->refused[i].reason);
}

bool
board_has_ended(const struct scoreboard *other)
{
	return atomic_load(&other->master_pid) == 0;
}

bool
board_is_alive(const struct scoreboard *other)
{
	int pid = atomic_load(&other->master_pid);

	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}
