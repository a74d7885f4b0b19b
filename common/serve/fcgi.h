/* fcgi.h - one FastCGI request on an accepted connection; the only place that knows libfcgi */
#ifndef NULLPOOL_SERVE_FCGI_H
#define NULLPOOL_SERVE_FCGI_H

#include "app/app.h"
#include "base/clock.h"

/* Call this once a process, before any signal is set up: libfcgi replaces handlers of signals. */
NP_MUST_CHECK bool fcgi_init(struct error *err);

/* Reads the request, answers it, closes fd and then the database connection. `deadline` is for a
 * request that did not wait. One that waited in the socket's queue (queue_wait.h) has that much
 * less time, and one that waited longer than DATABASE_POOL_TIMEOUT is refused. */
void fcgi_answer(struct app *app, int fd, struct deadline deadline);

/* For a program that cannot serve: answers each connection that waits in a listening socket, and
 * those of the next 2 s, with 503. Returns at once if none waits, and between two connections if
 * SIGTERM or SIGINT, which the caller has blocked, is pending. Needs no settings and no
 * fcgi_init(). */
void fcgi_refuse_waiting(int listener);

#endif
