#include "db/wait.h"

#include "base/poll.h"
#include "db/tls.h"

/* An event that has come counts, even if the client has left. */
enum wait_outcome
wait_fd_or_client(int fd, short events, struct deadline deadline, const int *client)
{
	struct pollfd fds[] = { { .fd = fd, .events = events }, { .fd = client ? *client : -1 } };

	if (fds[0].fd < 0)
		return WAIT_BROKEN;
	switch (poll_any(fds, client ? 2 : 1, deadline)) {
	case POLL_TIMEOUT:
		return WAIT_TIMEOUT;
	case POLL_FAILED:
		return WAIT_BROKEN;
	default:
		return fds[0].revents ? WAIT_READY : WAIT_ABANDONED;
	}
}

static enum wait_outcome
wait_pg(PGconn *pg, short events, struct deadline deadline, const int *client)
{
	return wait_fd_or_client(PQsocket(pg), events, deadline, client);
}

void
wait_error_abandoned(struct error *err)
{
	error_fill(err, FAILURE_CLIENT_GONE, ERROR_CLIENT_GONE);
}

bool
wait_is_abandoned(const int *client)
{
	return client && poll_is_hung_up(*client);
}

/* Reads until OpenSSL holds no more bytes, which poll() does not see. A TLS record has up to 16
 * KiB, and one call takes at least 8. */
static bool
consume_input(PGconn *pg)
{
	do {
		if (!PQconsumeInput(pg))
			return false;
	} while (tls_has_more(pg));
	return true;
}

enum wait_outcome
wait_flush(PGconn *pg, struct deadline deadline, const int *client)
{
	int left;

	while ((left = PQflush(pg)) > 0 && !deadline_passed(deadline)) {
		enum wait_outcome outcome = wait_pg(pg, POLLIN | POLLOUT, deadline, client);

		if (outcome != WAIT_READY)
			return outcome;
		if (!consume_input(pg))
			return WAIT_BROKEN;
	}
	if (left > 0)
		return WAIT_TIMEOUT;
	return left == 0 ? WAIT_READY : WAIT_BROKEN;
}

enum wait_outcome
wait_result(PGconn *pg, struct deadline deadline, const int *client)
{
	while (PQisBusy(pg)) {
		enum wait_outcome outcome = wait_pg(pg, POLLIN, deadline, client);

		if (outcome != WAIT_READY)
			return outcome;
		/* Endless input is not an answer. */
		if (deadline_passed(deadline))
			return WAIT_TIMEOUT;
		/* The next result has what the server said before the connection ended. */
		if (!consume_input(pg))
			return WAIT_READY;
	}
	return WAIT_READY;
}
