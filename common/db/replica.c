#include "db/replica.h"

#include "base/log.h"

#define LOG_PAUSE_US INT64_C(60000000)

static void
log_away(struct replica *replica, const struct error *err)
{
	int64_t now_us = clock_now_us();

	if (replica->logged_us && now_us - replica->logged_us < LOG_PAUSE_US)
		return;
	replica->logged_us = now_us;
	log_printf(LOG_WARNING, "replica away, reads go to the primary", "%s", err->detail);
}

/* Whoever asks again so soon waits in vain. */
static bool
is_away(const struct replica *replica)
{
	return clock_now_us() < replica->away_until_us;
}

bool
replica_acquire(struct replica *replica, struct deadline deadline, const int *client,
                struct connection **connection)
{
	/* The primary may still be asked after it. */
	int64_t half_ms = deadline_left_ms(deadline) / 2;
	struct deadline until = deadline_within_ms(
	    deadline, half_ms < REPLICA_WAIT_MS ? half_ms : REPLICA_WAIT_MS);
	struct error err;

	if (connector_acquire(replica->connector, until, client, connection, &err))
		return true;
	/* Not because this request had no time left, or no client. */
	if (err.kind == NP_CLIENT_GONE)
		return false;
	if (half_ms < REPLICA_FAIR_MS && deadline_passed(until))
		return false;
	replica->away_until_us = clock_now_us() + REPLICA_PAUSE_MS * INT64_C(1000);
	log_away(replica, &err);
	return false;
}

bool
replica_serves(const struct replica *replica, enum np_tx mode, enum np_isolation isolation)
{
	/* A standby has no serializable snapshots. */
	return mode == NP_TX_READ && isolation != NP_SERIALIZABLE && !is_away(replica);
}
