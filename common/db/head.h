/* head.h - what a transaction says first: how it begins, and its limits
 *
 * They travel in the same flight as the first statement and end with the transaction: no start-up options, which
 * poolers refuse, and nothing that the next user of a connection would inherit. The server's limits are within our
 * own, so that it stops first and says so.
 */
#ifndef NULLPOOL_DB_HEAD_H
#define NULLPOOL_DB_HEAD_H

#include "base/attributes.h"
#include "base/clock.h"
#include "db/flight.h"

/* So much before the request's deadline the server stops, and a commit is not sent any more: its answer could come
 * too late, and nobody would know what became of it. */
#define HEAD_RESERVE_MS 100
/* So much later than the server's own limit we give up; it stops a statement first and says so. */
#define HEAD_GRACE_MS 1000

struct head {
	struct deadline deadline; /* of the request */
	int64_t command_timeout_s;
	bool read_only;
	enum np_isolation isolation;
	const char *endpoint, *id; /* application_name, seen in pg_stat_activity */
};

/* BEGIN with what cannot be set later. */
void head_begin(const struct head *head, struct flight *flight);

/* The transaction's settings. Returns the index of a row whose last column is pg_backend_pid(). */
size_t head_settings(const struct head *head, struct flight *flight);

/* What is left of the time, for a further flight of the same transaction. */
void head_renew(const struct head *head, struct flight *flight);

#endif
