/* checks.h - the checks of --doctor, in the order in which a request needs what they check
 *
 * Each check adds its results to the checklist. Those of the database run in one transaction, on
 * one connection that is opened as a request's is. What comes after a failed connection cannot be
 * checked and is left out.
 */
#ifndef NULLPOOL_DOCTOR_CHECKS_H
#define NULLPOOL_DOCTOR_CHECKS_H

#include "db/transaction.h"
#include "doctor/checklist.h"
#include "doctor/doctor.h"
#include "doctor/handshake.h"

struct doctor {
	const struct doctor_options *options;
	const struct settings *settings;
	void *scope;
	struct checklist checklist;
	struct app *app;
	struct transaction *tx;
	struct connect_cost cost;
	struct handshake handshake;
	int64_t round_trip_us; /* the shortest that was measured */
	bool pooled;           /* a pooler stands between here and the server */
};

/* Checks the connection to the database: name, TCP, TLS, login and round trips; then the server. */
void check_connection(struct doctor *doctor);

/* The first statement of the connection, and the checks of its row: the server, its connections, a
 * pooler, the provider, migrations, the role, the clock. clock_s: the wall clock here when the row
 * came. */
extern const char check_server_facts[];
void check_server(struct doctor *doctor, const struct np_rows *facts, double clock_s);

/* Checks that nginx waits longer than a request may take, and has connections for all requests that
 * can wait. */
void check_nginx(struct doctor *doctor);

#endif
