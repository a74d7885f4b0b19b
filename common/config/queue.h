/* queue.h - how many requests one endpoint can hold, and so what nginx needs for it */
#ifndef NULLPOOL_CONFIG_QUEUE_H
#define NULLPOOL_CONFIG_QUEUE_H

#include <stdint.h>

/* Requests that wait in a socket's queue; Backlog= of env/systemd/nullpool@.socket, and of make
 * run. */
#define QUEUE_MAX 511

/* nginx' connections for an endpoint of so many workers: two for each request that waits or is
 * answered, one to the client and one to the socket. */
static inline int64_t
queue_connections(int64_t workers)
{
	return 2 * (QUEUE_MAX + workers);
}

#endif
