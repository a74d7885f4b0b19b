/* connect.h - one connection at a time for this process: a fresh one each time, or one that is kept
 *
 * null:       opened when it is wanted, closed by connector_release(): NullPool's way.
 * persistent: it is kept, looked at before it is used again (no round trip), and replaced when it
 * is too old. ahead:      used once and closed as in null, but the next one is opened while the
 * process waits for work.
 *
 * Connecting is asynchronous under a deadline, with at most two retries (full jitter from 50 ms)
 * for what may pass by itself; a wrong password, database or certificate is never tried again.
 */
#ifndef NULLPOOL_DB_CONNECT_H
#define NULLPOOL_DB_CONNECT_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "config/conninfo.h"
#include "config/settings.h"
#include "db/dial.h"
#include "db/prepared.h"

struct connector_options {
	const struct conninfo *info; /* borrowed */
	enum connection_mode mode;
	enum ssl_negotiation negotiation;
	bool pre_ping;     /* look at a kept connection before use */
	int64_t recycle_s; /* -1: never */
	int64_t connect_timeout_s;
	int64_t ahead_ttl_s; /* one that was opened ahead is thrown away unused after so long */
};

struct connection {
	PGconn *pg;
	struct prepared
	    *prepared; /* its statements with names; NULL: it is not kept, so it has none */
	/* Of the settings that never change (head.h): nothing is known; the session keeps none, and
	 * has usual values of its own or not; or it keeps them: they were sent in the transaction
	 * that is open, or are committed. */
	enum {
		SETTINGS_UNKNOWN,
		SETTINGS_USUAL,
		SETTINGS_UNUSUAL,
		SETTINGS_SENT,
		SETTINGS_KEPT
	} settings;
	bool checks_client; /* the server may be told to notice that its client left */
	bool reused;        /* was open before this request */
	int64_t since_us;   /* of clock_now_us(): when it was open */
	int64_t used_us;    /* when something was last heard on it */
};

struct connector;

/* False: this libpq does not know a keyword that security depends on. Others it does not know are
 * left out with a warning in the log. The connector owns its connection and belongs to owner. */
NP_MUST_CHECK bool connector_new(void *owner, const struct connector_options *options,
                                 struct connector **connector, struct error *err);

/* Loads what a connection needs of OpenSSL, which the first one would do otherwise. */
void connector_load_tls(const struct connector *connector);

/* Fails with NP_UNAVAILABLE, or NP_TIMEOUT when it was the request's own deadline that passed.
 * `client` is the descriptor of whoever waits for the answer: when it hangs up while a connection
 * is being opened, this one is closed and the error is NP_CLIENT_GONE. NULL: nobody waits. */
NP_MUST_CHECK bool connector_acquire(struct connector *connector, struct deadline deadline,
                                     const int *client, struct connection **connection,
                                     struct error *err);

/* What the last connector_acquire() waited for, also when it failed. */
const struct connect_cost *connector_cost(const struct connector *connector);

/* Why none was opened; ends with NULL. */
enum connect_failure {
	FAILED_NETWORK, /* resolving, TCP, TLS, or no answer that is one */
	FAILED_TIMEOUT,
	FAILED_AUTHENTICATION, /* SQLSTATE class 28 */
	FAILED_FULL,           /* class 53 */
	FAILED_SERVER,         /* another error of the server's */
	CONNECT_FAILURE__MAX,
};
extern const char *const connect_failure_names[CONNECT_FAILURE__MAX + 1];

/* What it did since it was made; numbers of one size, that can be compared at once. */
struct connector_totals {
	uint64_t opened;
	uint64_t failed[CONNECT_FAILURE__MAX]; /* after all retries */
	uint64_t ahead_used,
	    ahead_wasted; /* of those that were open when a request came, or went unused */
};
const struct connector_totals *connector_totals(const struct connector *connector);

/* What answers at its address is not the server that it should be: the name is asked for anew. */
void connector_forget_address(const struct connector *connector);

/* This server cannot notice that its client left: its next connection is not told to. */
void connector_disable_client_check(struct connector *connector);

/* True: the last attempt failed after TCP although no server said why, and this process never had a
 * connection. OpenSSL sets itself up once, with the first; where memory lacked just then, all that
 * come after it fail, in various words. */
bool connector_is_tainted(const struct connector *connector);

/* How far the last attempt came that was made. */
enum connect_phase connector_phase(const struct connector *connector);

/* Returns true if the last attempt failed because no answer came in time. */
bool connector_timed_out(const struct connector *connector);

/* Gives it back: kept when the mode is persistent, `usable` is true and its session is idle; closed
 * otherwise. */
void connector_release(struct connector *connector, struct connection *connection, bool usable);

/* --- ahead --- */

enum connector_ahead { AHEAD_NONE, AHEAD_OPENING, AHEAD_READY };

/* Begins to open the next one, if the mode is ahead and the last failure is long enough ago. Never
 * waits. */
void connector_open_ahead(struct connector *connector);

/* Stops opening it, or closes it unused. */
void connector_drop_ahead(struct connector *connector);

/* While nothing is in hand: what to wait for, and what to do then. A timeout of -1 is none. */
struct dial_need connector_need(const struct connector *connector);
void connector_step(struct connector *connector);

enum connector_ahead connector_ahead(const struct connector *connector);

/* --- a connection --- */

/* "TLSv1.3", or NULL without TLS. */
const char *connection_tls(const struct connection *connection);
/* It was idle for so long that a router may have forgotten it, which only sending shows. */
bool connection_is_unproven(const struct connection *connection);

/* The server process's id; 0: a pooler made up what was said. */
int connection_backend_pid(const struct connection *connection);
const char *connection_server_version(const struct connection *connection);

#endif
