/* events.h - what a process of an endpoint sleeps on: epoll, eventfds, and signals that are blocked
 *
 * SIGTERM and SIGINT stay blocked in every process of an endpoint, so neither can interrupt a
 * request. Each process looks for them where it can end.
 */
#ifndef NULLPOOL_SERVE_EVENTS_H
#define NULLPOOL_SERVE_EVENTS_H

#include <signal.h>

#include "base/attributes.h"

/* If the kernel has no memory to watch the listener, the process tries again after this long. */
#define EVENTS_RETRY_MS 100

/* Adds fd to an epoll. `events` are EPOLLIN and the like. Returns false (errno) if it could not. */
bool events_watch(int epoll, int fd, uint32_t events);
void events_unwatch(int epoll, int fd);

/* Adds one to an eventfd, which wakes whoever watches it. */
void events_wake(int eventfd);

/* The signals that ask a process to end: SIGTERM and SIGINT. */
sigset_t events_end_signals(void);

/* Returns true if one of them is pending. */
bool events_end_is_pending(void);

#endif
