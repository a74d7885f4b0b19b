/* session.h - which connection a transaction uses: the replica's or the primary's, for how long
 *
 * A read that a standby can serve goes to the replica while that answers. Finding out that it does
 * not may cost a read REPLICA_WAIT_MS, or half of the time it has. Then no request asks the replica
 * for REPLICA_PAUSE_MS, and the log says so once a minute. A failure of a read that had less than
 * REPLICA_FAIR_MS for the replica does not count against it.
 */
#ifndef NULLPOOL_DB_SESSION_H
#define NULLPOOL_DB_SESSION_H

#include "base/log.h"
#include "db/connect.h"

#define REPLICA_WAIT_MS  2000
#define REPLICA_FAIR_MS  200
#define REPLICA_PAUSE_MS 5000

/* Of the process; shared by all its transactions. */
struct replica {
	struct connector *connector;
	int64_t away_until_us;
	struct log_limit log_limit;
};

enum session_fitness {
	SESSION_REUSABLE,
	SESSION_CLOSE, /* may be used, and is closed when it is given back */
	SESSION_BROKEN /* must not be used */
};

struct session {
	struct connector *primary;
	struct replica *replica; /* NULL: none, or this transaction must not use it */
	/* NULL: no connection is taken. Its source stays known after it was given back. */
	struct connection *connection;
	struct connector *source; /* NULL: no connection was taken yet */
	enum session_fitness fitness;
};

/* Takes a connection, unless one is taken already, and adds what that cost to `cost`. Takes the
 * replica's only for a read that is not serializable, since a standby has no serializable
 * snapshots. `client`, which may be NULL, and errors are those of connector_acquire(). */
NP_MUST_CHECK bool session_take(struct session *session, enum np_tx mode,
                                enum np_isolation isolation, struct deadline deadline,
                                const int *client, struct connect_cost *cost, struct error *err);

/* Lowers the connection's fitness to this, unless it is lower already. */
void session_spoil(struct session *session, enum session_fitness fitness);

/* Returns true if the server has a transaction open on a connection that can be used. */
bool session_is_in_transaction(const struct session *session);

bool session_is_on_replica(const struct session *session);

/* Closes the connection or gives it back to its connector; without one it does nothing. */
void session_give_back(struct session *session);

#endif
