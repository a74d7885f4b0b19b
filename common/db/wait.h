/* wait.h - waits for libpq and for the client, but never past a deadline
 *
 * A blocking call of libpq on a stopped server hangs past every keepalive and timeout, so each wait
 * is a poll() of our own. The connection is in non-blocking mode (PQsetnonblocking) throughout.
 */
#ifndef NULLPOOL_DB_WAIT_H
#define NULLPOOL_DB_WAIT_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"

enum wait_outcome { WAIT_READY, WAIT_TIMEOUT, WAIT_BROKEN, WAIT_ABANDONED };

/* `client`, here and below, is the descriptor of the client that waits for the answer, or NULL if
 * there is none: the outcome is WAIT_ABANDONED if it hangs up before the event. A negative fd is
 * WAIT_BROKEN. */
enum wait_outcome wait_fd_or_client(int fd, short events, struct deadline deadline,
                                    const int *client);

/* Fills err with what WAIT_ABANDONED means for the request: FAILURE_CLIENT_GONE. */
void wait_error_abandoned(struct error *err);

/* Sends what is queued, and reads meanwhile, so that neither side can block the other. */
enum wait_outcome wait_flush(PGconn *pg, struct deadline deadline, const int *client);

/* Waits until PQgetResult() would not block. */
enum wait_outcome wait_result(PGconn *pg, struct deadline deadline, const int *client);

/* Returns true if the client has hung up. A half-closed connection does not count: some web servers
 * close their half once they have sent a request. Over TCP a client that leaves shows only that. */
bool wait_is_abandoned(const int *client);

#endif
