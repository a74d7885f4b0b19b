/* examine.h - the doctor's examinations, in the order in which a request meets the things examined
 *
 * Each tells its findings. What needs the database is asked in one transaction of one connection that is opened as a
 * request's is.
 */
#ifndef NULLPOOL_SERVE_EXAMINE_H
#define NULLPOOL_SERVE_EXAMINE_H

#include "db/probe.h"
#include "db/transaction.h"
#include "serve/doctor.h"
#include "serve/findings.h"

struct examined {
	const struct doctor_options *options;
	const struct settings *settings;
	void *scope;
	struct findings found;
	struct app *app;
	struct transaction *tx;
	struct connect_cost cost;
	struct probe probe;
	int64_t trip_us; /* one, measured */
	bool pooled;
};

/* The way to the database (examine_way.c): name, TCP, TLS, login, round trips; and at its end: */
void examine_way(struct examined *examined);

/* What the first statement asks, and what its answer tells of the server and the database (examine_server.c). */
extern const char examine_server_facts[];
void examine_server(struct examined *examined, const struct np_rows *facts, double clock_s);

/* What stands beside it (examine_beside.c, examine_nginx.c). */
void examine_redis(struct examined *examined);
void examine_nginx(struct examined *examined);

#endif
