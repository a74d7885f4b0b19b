/* replica.h - reads go to a replica while it is there, to the primary while it is not
 *
 * It may cost a read REPLICA_WAIT_MS, or half the time it has, to find out that it is away; then
 * nobody asks it for REPLICA_PAUSE_MS, and the log says so once a minute. A read that had less than
 * REPLICA_FAIR_MS for it says nothing about it.
 */
#ifndef NULLPOOL_DB_REPLICA_H
#define NULLPOOL_DB_REPLICA_H

#include "db/connect.h"

#define REPLICA_WAIT_MS  2000
#define REPLICA_FAIR_MS  200
#define REPLICA_PAUSE_MS 5000

struct replica {
	struct connector *connector;
	int64_t away_until_us;
	int64_t logged_us; /* 0: never */
};

/* False: it is away, use the primary; or the client left, as connector_acquire() has it. */
NP_MUST_CHECK bool replica_acquire(struct replica *replica, struct deadline deadline,
                                   const int *client, struct connection **connection);

/* Whether such a transaction may go there now: not soon after it was away. */
bool replica_serves(const struct replica *replica, enum np_tx mode, enum np_isolation isolation);

#endif
