#include "base/poll.h"

#include <errno.h>

enum poll_outcome
poll_any(struct pollfd *fds, nfds_t count, struct deadline deadline)
{
	int ready;

	do {
		ready = poll(fds, count, deadline_left_ms(deadline));
	} while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return POLL_TIMEOUT;
	return ready < 0 ? POLL_FAILED : POLL_READY;
}

bool
poll_is_hung_up(int fd)
{
	struct pollfd poll_fd = { .fd = fd };

	return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & POLLHUP);
}

enum poll_outcome
poll_until(int fd, short events, struct deadline deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };

	if (fd < 0) {
		errno = EBADF;
		return POLL_FAILED;
	}
	return poll_any(&poll_fd, 1, deadline);
}
