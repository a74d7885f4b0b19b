/* fcgi.h - one FastCGI request on an accepted connection; the only place that knows libfcgi */
#ifndef NULLPOOL_SERVE_FCGI_H
#define NULLPOOL_SERVE_FCGI_H

#include "app/app.h"
#include "base/clock.h"

/* Once a process, before any signal is set up: libfcgi's own start-up replaces handlers. */
NP_MUST_CHECK bool fcgi_init(struct error *err);

/* Before the first request of a worker: from here on it sees when somebody sets the clock. */
void fcgi_sync_clock(void);

/* Reads the request, answers it, closes fd and then the database connection. `deadline` is for a
 * request that came at once; one that has waited in the socket's queue (REQUEST_START) has that
 * much less, and one that has waited longer than DATABASE_POOL_TIMEOUT is refused. When the clock
 * was set in between, nobody can say how long. */
void fcgi_answer(struct app *app, int fd, struct deadline deadline);

/* Answers each connection that waits in a listening socket with 503, for a program that cannot
 * serve, and those of the next 2 s. Returns at once if none waits, and between two when SIGTERM,
 * which is blocked, has come. Without settings, and without fcgi_init(). */
void fcgi_refuse_waiting(int listener);

#endif
