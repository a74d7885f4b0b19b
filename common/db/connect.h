/* connect.h - the connection of this process, one at a time
 *
 * null:       opened on demand and closed by connector_release(), as SQLAlchemy's NullPool does.
 * persistent: kept, checked before reuse without a round trip, and replaced when it is too old.
 * ahead:      used once and closed as in null, but the next one is opened while the process is
 *             idle.
 *
 * Connecting is asynchronous and ends at a deadline. A failure that may pass is retried at most
 * twice, after a pause with full jitter from 50 ms; a wrong password, database or certificate is
 * never retried.
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
	bool pre_ping;     /* check a kept connection before use */
	int64_t recycle_s; /* -1: never */
	int64_t connect_timeout_s;
	int64_t ahead_ttl_s; /* an unused connection opened ahead is closed after this time */
};

struct connection {
	PGconn *pg;
	/* Its named statements; NULL: the connection is not kept, so it has none. */
	struct prepared *prepared;
	/* Whether the session keeps the settings that never change (preamble.h). */
	enum {
		SETTINGS_UNKNOWN,  /* its own values have not been read yet */
		SETTINGS_USUAL,    /* no; its own values are the usual ones */
		SETTINGS_UNUSUAL,  /* no; its own values differ, or may have changed */
		SETTINGS_SENT,     /* yes, once the open transaction is committed */
		SETTINGS_COMMITTED /* yes */
	} settings;
	bool checks_client; /* the server may be told to check whether its client has left */
	bool reused;        /* was open before this request */
	int64_t since_us;   /* when it was opened, by clock_now_us() */
	int64_t used_us;    /* when it was last used */
};

struct connector;

/* Fails if this libpq does not know a keyword that security depends on; other unknown keywords are
 * left out with a warning in the log. The connector owns its connection and belongs to owner. */
NP_MUST_CHECK bool connector_new(void *owner, const struct connector_options *options,
                                 struct connector **connector, struct error *err);

/* Loads what OpenSSL needs, which the first connection would do otherwise. */
void connector_load_tls(const struct connector *connector);

/* Takes the connection, and opens one first if there is none that can be used. Fails with
 * FAILURE_UNAVAILABLE, or with FAILURE_TIMEOUT if the request's own deadline passed. `client` is
 * the descriptor of the client that waits for the answer, or NULL: if it hangs up while a
 * connection is being opened, that connection is closed and the error is FAILURE_CLIENT_GONE. */
NP_MUST_CHECK bool connector_acquire(struct connector *connector, struct deadline deadline,
                                     const int *client, struct connection **connection,
                                     struct error *err);

/* The cost of the last connector_acquire(), also if it failed. */
const struct connect_cost *connector_cost(const struct connector *connector);

/* Why no connection was opened. */
enum connect_failure {
	FAILED_NETWORK, /* resolving, TCP, TLS, or an answer that is not Postgres */
	FAILED_TIMEOUT,
	FAILED_AUTHENTICATION, /* SQLSTATE class 28 */
	FAILED_FULL,           /* class 53 */
	FAILED_SERVER,         /* another SQLSTATE */
	CONNECT_FAILURE__MAX,
};
/* Ends with NULL. */
extern const char *const connect_failure_names[CONNECT_FAILURE__MAX + 1];

/* Counts since the connector was made. All are of one type, so that memcmp() can compare them. */
struct connector_totals {
	uint64_t opened;
	uint64_t failed[CONNECT_FAILURE__MAX]; /* after all retries */
	uint64_t ahead_used;                   /* open when a request came */
	uint64_t ahead_wasted;                 /* closed unused */
};
const struct connector_totals *connector_totals(const struct connector *connector);

/* Resolves the name anew: the server at its address is not the right one. */
void connector_forget_address(const struct connector *connector);

/* Does not tell later connections to check whether the client has left: the server cannot. */
void connector_disable_client_check(struct connector *connector);

/* Returns true if the last attempt failed after TCP without an SQLSTATE, and this process never had
 * a connection. OpenSSL initializes itself once, with the first one; if memory is short just then,
 * all later ones fail too, with various messages. */
bool connector_is_tainted(const struct connector *connector);

/* The phase in which the last attempt ended. */
enum connect_phase connector_phase(const struct connector *connector);

/* Returns true if the last attempt failed because no answer came in time. */
bool connector_timed_out(const struct connector *connector);

/* Gives a connection back. It is kept if the mode is persistent, `usable` is true and its session
 * is idle, and closed otherwise. */
void connector_release(struct connector *connector, struct connection *connection, bool usable);

/* --- ahead --- */

enum connector_ahead { AHEAD_NONE, AHEAD_OPENING, AHEAD_READY };

/* Starts to open the next connection, if the mode is ahead and the last failure is long enough ago.
 * Does not wait. */
void connector_open_ahead(struct connector *connector);

/* Stops opening it, or closes it if it is open. */
void connector_drop_ahead(struct connector *connector);

/* While the process is idle: what to wait for (a timeout of -1 means no limit), and the call that
 * is due then. */
struct dial_need connector_need(const struct connector *connector);
void connector_step(struct connector *connector);

enum connector_ahead connector_ahead(const struct connector *connector);

/* --- a connection --- */

/* "TLSv1.3", or NULL without TLS. */
const char *connection_tls(const struct connection *connection);
/* Returns true if it was idle for so long that a router may have forgotten it, which only sending
 * shows. */
bool connection_is_unproven(const struct connection *connection);

/* The server process's ID; 0: a pooler made up the number. */
int connection_backend_pid(const struct connection *connection);
const char *connection_server_version(const struct connection *connection);

#endif
