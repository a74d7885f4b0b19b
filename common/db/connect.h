/* connect.h - one connection at a time for this process: a fresh one each time, or one that is kept
 *
 * null:       connector_release() closes it, NullPool's way.
 * persistent: it is kept, looked at before it is used again (no round trip), and replaced when it is too old.
 *
 * Connecting is asynchronous under a deadline, with at most two retries (full jitter from 50 ms) for what may
 * pass by itself; a wrong password, database or certificate is never tried again.
 */
#ifndef NULLPOOL_DB_CONNECT_H
#define NULLPOOL_DB_CONNECT_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "config/conninfo.h"

struct connector_options {
	const struct conninfo *info; /* borrowed */
	bool persistent;
	bool pre_ping;     /* look at a kept connection before use */
	int64_t recycle_s; /* -1: never */
	int64_t connect_timeout_s;
};

struct connection {
	PGconn *pg;
	bool reused;       /* was open before this request */
	int64_t since_us;  /* of clock_now_us() */
	int64_t opened_us; /* how long connecting took */
};

struct connector;

/* Once a process, before the first connection: takes what libpq would read from the environment (PG*) away,
 * since PGOPTIONS and others become start-up parameters that poolers refuse. */
void connector_clean_environment(void);

/* False: this libpq does not know a keyword that security depends on. Others it does not know are left out
 * with a warning in the log. The connector owns its connection and belongs to owner. */
NP_MUST_CHECK bool connector_new(void *owner, const struct connector_options *options,
                                 struct connector **connector, struct error *err);

/* NP_UNAVAILABLE, or NP_TIMEOUT when it was the request's own deadline that passed. */
NP_MUST_CHECK bool connector_acquire(struct connector *connector, struct deadline deadline,
                                     struct connection **connection, struct error *err);

/* Gives it back: kept when the mode is persistent, `usable` is true and its session is idle; closed otherwise. */
void connector_release(struct connector *connector, struct connection *connection, bool usable);

/* "TLSv1.3", or NULL without TLS. */
const char *connection_tls(const struct connection *connection);
const char *connection_server_version(const struct connection *connection);

#endif
