#include "base/sink.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poll.h"

/* The longest wait for room for the rest of a line whose beginning was written. */
#define REST_MS 50

enum kind {
	KIND_UNKNOWN,
	KIND_FILE,   /* never waits for a reader */
	KIND_SOCKET, /* systemd's journal: MSG_DONTWAIT is set for each write */
	KIND_PIPE,   /* if poll() reports room, it is at least PIPE_BUF */
	KIND_OTHER,  /* a terminal */
};

static uint64_t dropped;
static bool torn; /* the last line was written in part */

static enum kind
kind_from_stat(int fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return KIND_OTHER;
	if (S_ISREG(status.st_mode))
		return KIND_FILE;
	if (S_ISSOCK(status.st_mode))
		return KIND_SOCKET;
	return S_ISFIFO(status.st_mode) ? KIND_PIPE : KIND_OTHER;
}

/* Remembers the kind of standard error, which no process of ours replaces. */
static enum kind
kind_of(int fd)
{
	static enum kind of_stderr;

	if (fd != STDERR_FILENO)
		return kind_from_stat(fd);
	if (of_stderr == KIND_UNKNOWN)
		of_stderr = kind_from_stat(fd);
	return of_stderr;
}

static bool
has_room(int fd, int wait_ms)
{
	struct pollfd reader = { .fd = fd, .events = POLLOUT };

	return poll_any(&reader, 1, deadline_in_ms(wait_ms)) == POLL_READY
	       && !(reader.revents & (POLLERR | POLLNVAL));
}

static ssize_t
write_once(int fd, enum kind kind, const char *bytes, size_t size)
{
	ssize_t written;

	do {
		written = kind == KIND_SOCKET ? send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL)
		                              : write(fd, bytes, size);
	} while (written < 0 && errno == EINTR);
	return written;
}

/* Calls poll() only where a write could block. */
static bool
may_write(int fd, enum kind kind, int wait_ms)
{
	if (kind == KIND_FILE || (kind == KIND_SOCKET && wait_ms == 0))
		return true;
	return has_room(fd, wait_ms);
}

static bool
write_all(int fd, const char *line, size_t size)
{
	enum kind kind = kind_of(fd);
	int wait_ms = 0;

	while (size > 0) {
		size_t piece = kind == KIND_PIPE && size > PIPE_BUF ? PIPE_BUF : size;
		ssize_t written = may_write(fd, kind, wait_ms) ? write_once(fd, kind, line, piece)
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
