/* poll.h - waits for descriptors, but never past a deadline
 *
 * A signal does not end a wait: poll() is called again with the time that is left. Whatever poll()
 * reports ends it, POLLHUP and POLLERR included: the read or write that follows finds out what
 * happened.
 */
#ifndef NULLPOOL_BASE_POLL_H
#define NULLPOOL_BASE_POLL_H

#include <poll.h>

#include "base/attributes.h"
#include "base/clock.h"

enum poll_outcome {
	POLL_READY,
	POLL_TIMEOUT,
	POLL_FAILED, /* errno says why */
};

/* Waits until fd has one of the events (POLLIN, POLLOUT). A negative fd is POLL_FAILED. */
enum poll_outcome poll_until(int fd, short events, struct deadline deadline);

/* Waits until at least one descriptor has an event; poll() fills `revents` of each and skips
 * negative descriptors. */
enum poll_outcome poll_any(struct pollfd *fds, nfds_t count, struct deadline deadline);

/* Returns true if the other side has closed its end. */
bool poll_is_hung_up(int fd);

#endif
