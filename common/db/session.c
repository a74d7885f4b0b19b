#include "db/session.h"

#include "base/log.h"

/* --- the replica --- */

static void
log_replica_away(struct replica *replica, const struct error *err)
{
	if (log_limit_allows(&replica->log_limit))
		log_printf(LOG_WARNING, "replica away, reads go to the primary", "%s", err->detail);
}

static bool
replica_can_serve(const struct replica *replica, enum np_tx mode, enum np_isolation isolation)
{
	return replica && mode == NP_TX_READ && isolation != NP_ISOLATION_SERIALIZABLE
	       && clock_now_us() >= replica->away_until_us;
}

static bool
acquire_from_replica(struct replica *replica, struct deadline deadline, const int *client,
                     struct connection **connection)
{
	/* The other half is for the primary, which is asked next. */
	int64_t half_ms = deadline_left_ms(deadline) / 2;
	struct deadline until = deadline_within_ms(
	    deadline, half_ms < REPLICA_WAIT_MS ? half_ms : REPLICA_WAIT_MS);
	struct error err;

	if (connector_acquire(replica->connector, until, client, connection, &err))
		return true;
	if (err.kind == FAILURE_CLIENT_GONE
	    || (half_ms < REPLICA_FAIR_MS && deadline_passed(until)))
		return false;
	replica->away_until_us = clock_now_us() + REPLICA_PAUSE_MS * INT64_C(1000);
	log_replica_away(replica, &err);
	return false;
}

/* --- the connection --- */

static bool
take_from_replica(struct session *session, struct deadline deadline, const int *client,
                  struct connect_cost *cost)
{
	struct connector *connector = session->replica->connector;
	bool taken = acquire_from_replica(session->replica, deadline, client, &session->connection);

	connect_cost_add(cost, connector_cost(connector));
	if (taken)
		session->source = connector;
	return taken;
}

static bool
take_from_primary(struct session *session, struct deadline deadline, const int *client,
                  struct connect_cost *cost, struct error *err)
{
	bool taken;

	session->source = session->primary;
	taken = connector_acquire(session->primary, deadline, client, &session->connection, err);
	connect_cost_add(cost, connector_cost(session->primary));
	return taken;
}

bool
session_take(struct session *session, enum np_tx mode, enum np_isolation isolation,
             struct deadline deadline, const int *client, struct connect_cost *cost,
             struct error *err)
{
	if (session->connection)
		return true;
	if (replica_can_serve(session->replica, mode, isolation)
	    && take_from_replica(session, deadline, client, cost))
		return true;
	return take_from_primary(session, deadline, client, cost, err);
}

void
session_spoil(struct session *session, enum session_fitness fitness)
{
	if (fitness > session->fitness)
		session->fitness = fitness;
}

bool
session_is_in_transaction(const struct session *session)
{
	PGTransactionStatusType status;

	if (!session->connection || session->fitness == SESSION_BROKEN)
		return false;
	status = PQtransactionStatus(session->connection->pg);
	return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

bool
session_is_on_replica(const struct session *session)
{
	return session->source && session->source != session->primary;
}

void
session_give_back(struct session *session)
{
	if (!session->connection)
		return;
	connector_release(session->source, session->connection,
	                  session->fitness == SESSION_REUSABLE);
	session->connection = NULL;
	session->fitness = SESSION_REUSABLE;
}
