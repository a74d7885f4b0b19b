/* wait.h - libpq without blocking: every wait is ours and ends by a deadline
 *
 * A blocking call on a stopped server hangs past every keepalive and timeout; only a poll() of our
 * own comes back. The connection is in non-blocking mode (PQsetnonblocking) throughout.
 */
#ifndef NULLPOOL_DB_WAIT_H
#define NULLPOOL_DB_WAIT_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"

enum wait_outcome { WAIT_READY, WAIT_TIMEOUT, WAIT_BROKEN, WAIT_ABANDONED };

/* `client`, here and below, is the descriptor of whoever waits for the answer: WAIT_ABANDONED when
 * it hangs up before the event. NULL: nobody does. */
enum wait_outcome wait_fd_or_client(int fd, short events, struct deadline deadline,
                                    const int *client);

/* Fills what WAIT_ABANDONED means for the request. */
void wait_error_abandoned(struct error *err);

/* Sends what is queued, reading meanwhile, so that neither side can block the other. */
enum wait_outcome wait_flush(PGconn *pg, struct deadline deadline, const int *client);

/* Until PQgetResult() would not block. */
enum wait_outcome wait_result(PGconn *pg, struct deadline deadline, const int *client);

/* Whether the client has hung up. Half of a close is not enough: some web servers do that when they
 * have sent a request. A client over TCP shows no more than that half. */
bool wait_is_abandoned(const int *client);

#endif
