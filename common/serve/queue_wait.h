/* queue_wait.h - how long a request waited in the socket's queue before a worker took it
 *
 * nginx stamps a request with the wall clock when it has received it and begins to connect
 * (REQUEST_START, $msec). The wall clock is the only one that both sides share, and somebody may
 * set it. A worker sees that by comparing it with the monotonic clock. After the clock was set it
 * believes no stamp until all requests are gone that may have been in the queue then: one that
 * waited longer than DATABASE_POOL_TIMEOUT is too late by any clock.
 */
#ifndef NULLPOOL_SERVE_QUEUE_WAIT_H
#define NULLPOOL_SERVE_QUEUE_WAIT_H

#include "base/attributes.h"

/* Call this before the first request of a worker: from then on it sees when the clock is set. */
void queue_wait_sync_clock(void);

/* Returns the milliseconds since `stamp`: seconds since 1970, with three decimals. Returns -1 if
 * the time is not known: there is no stamp (NULL), it is no time, or the clock was set. */
int64_t queue_wait_ms(const char *stamp, int64_t pool_timeout_s);

#endif
