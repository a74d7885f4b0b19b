/* queue.h - how many requests one endpoint can hold, and how many connections nginx needs for them
 */
#ifndef NULLPOOL_CONFIG_QUEUE_H
#define NULLPOOL_CONFIG_QUEUE_H

#include <stdint.h>

/* The most requests that wait in the listen queue of a socket. It is Backlog= in
 * env/systemd/nullpool@.socket, and make run uses it too. */
#define QUEUE_MAX 511

/* Returns how many connections nginx needs for an endpoint with this number of workers. Each
 * request that waits or is being answered takes two: one to the client and one to the socket. */
static inline int64_t
queue_connections(int64_t workers)
{
	return 2 * (QUEUE_MAX + workers);
}

#endif
