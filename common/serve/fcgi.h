/* fcgi.h - one worker's accept loop; the only place that knows libfcgi */
#ifndef NULLPOOL_SERVE_FCGI_H
#define NULLPOOL_SERVE_FCGI_H

#include "app/app.h"

/* Once a process, before any signal is set up: libfcgi's own start-up replaces handlers. */
NP_MUST_CHECK bool fcgi_init(struct error *err);

/* Accepts and answers, one request at a time, until SIGTERM or SIGINT (which the caller has blocked: they are
 * taken between requests only, so that none is cut) or until `max_requests` are done (0: no limit).
 * False: it could not begin (logged). `listener` is a listening socket in non-blocking mode; `slot` is this worker's in the scoreboard. */
NP_MUST_CHECK bool fcgi_serve(struct app *app, int listener, size_t slot, int64_t max_requests);

#endif
