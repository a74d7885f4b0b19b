/* checks.h - the doctor's examinations, in the order in which a request meets the things checks
 *
 * Each tells its findings. What needs the database is asked in one transaction of one connection
 * that is opened as a request's is.
 */
#ifndef NULLPOOL_DOCTOR_CHECKS_H
#define NULLPOOL_DOCTOR_CHECKS_H

#include "db/probe.h"
#include "db/transaction.h"
#include "doctor/checklist.h"
#include "doctor/doctor.h"

struct checks {
	const struct doctor_options *options;
	const struct settings *settings;
	void *scope;
	struct checklist found;
	struct app *app;
	struct transaction *tx;
	struct connect_cost cost;
	struct probe probe;
	int64_t trip_us; /* one, measured */
	bool pooled;
};

/* The way to the database (check_connection.c): name, TCP, TLS, login, round trips; and at its end:
 */
void check_connection(struct checks *checks);

/* What the first statement asks, and what its answer tells of the server and the database
 * (check_server.c). */
extern const char check_server_facts[];
void check_server(struct checks *checks, const struct np_rows *facts, double clock_s);

/* What stands beside it (examine_beside.c, check_nginx.c). */
void check_redis(struct checks *checks);
void check_nginx(struct checks *checks);

#endif
