#include "base/sink.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long the rest of a line that was begun is waited for. */
#define REST_MS 50

static uint64_t dropped;
static bool torn; /* the line before has no end */

static bool
has_room(int fd, int wait_ms)
{
	struct pollfd reader = { .fd = fd, .events = POLLOUT };
	int ready;

	do {
		ready = poll(&reader, 1, wait_ms);
	} while (ready < 0 && errno == EINTR);
	return ready > 0 && !(reader.revents & (POLLERR | POLLNVAL));
}

static ssize_t
write_once(int fd, const char *bytes, size_t size)
{
	ssize_t written;

	do {
		written = write(fd, bytes, size);
	} while (written < 0 && errno == EINTR);
	return written;
}

/* A pipe has room for PIPE_BUF when it says that it has any. */
static size_t
piece_of(int fd, size_t size)
{
	struct stat about;

	return size > PIPE_BUF && fstat(fd, &about) == 0 && S_ISFIFO(about.st_mode) ? PIPE_BUF : size;
}

static bool
write_all(int fd, const char *line, size_t size)
{
	size_t most = piece_of(fd, size);
	int wait_ms = 0;

	while (size > 0) {
		ssize_t written = has_room(fd, wait_ms) ? write_once(fd, line, size < most ? size : most)
		                                        : -1;

		if (written <= 0)
			return false;
		torn = true;
		line += written;
		size -= (size_t)written;
		wait_ms = REST_MS;
	}
	torn = false;
	return true;
}

void
sink_write(int fd, const char *line, size_t size)
{
	if ((torn && !write_all(fd, "\n", 1)) || !write_all(fd, line, size))
		dropped++;
}

uint64_t
sink_dropped(void)
{
	return dropped;
}
