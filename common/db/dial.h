/* dial.h - one connection being opened, step by step, so that it can go on beside something else
 *
 * Its name is resolved, then all addresses are tried in turn, each with its share of the time: one
 * that swallows packets must not take it from the others. Nothing here waits but dial_wait().
 *
 *     dial_start(&dial, …);
 *     while (dial.state == DIAL_GOING) {
 *             dial_wait(&dial, deadline, NULL);   or: poll for dial_need() beside other descriptors
 *             dial_step(&dial, deadline);
 *     }
 *     dial_stop(&dial);                        closes what was not taken
 */
#ifndef NULLPOOL_DB_DIAL_H
#define NULLPOOL_DB_DIAL_H

#include <libpq-fe.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/resolve.h"
#include "db/keywords.h"
#include "db/sqlstate.h"
#include "db/wait.h"

enum connect_phase { CONNECT_RESOLVE, CONNECT_TCP, CONNECT_TLS, CONNECT_AUTH, CONNECT_PHASE__MAX };

/* Of the phases; ends with NULL. */
extern const char *const connect_phase_names[CONNECT_PHASE__MAX + 1];

/* What opening one cost. */
struct connect_cost {
	int round_trips; /* answers that were waited for; TCP's own is one. 0: none was opened */
	int64_t total_us;
	int64_t phases_us[CONNECT_PHASE__MAX];
};

void connect_cost_add(struct connect_cost *sum, const struct connect_cost *one);

/* What is said of an address that did not answer in time. */
#define DIAL_LATE "no answer while connecting, within the time allowed"

enum dial_state { DIAL_GOING, DIAL_DONE, DIAL_FAILED };

struct dial {
	enum dial_state state;
	PGconn *pg; /* DIAL_DONE: connected, non-blocking, in pipeline mode */
	struct connect_cost cost;
	struct error err; /* DIAL_FAILED */
	enum sqlstate_retry retry;
	bool refused; /* DIAL_FAILED because the server's certificate was refused */

	struct keywords keywords;
	int64_t tls_max_us; /* see dial_limit_tls() */
	const char *host;   /* to be resolved; NULL: libpq needs no resolving */
	struct addresses addresses;
	size_t next;           /* address */
	struct deadline until; /* the share of the current address */
	PostgresPollingStatusType wants;
	struct ssl_st *tls; /* see tls_hold(); NULL: no handshake has begun */
	enum connect_phase phase;
	int64_t since_us; /* the phase's accounts are made up to here */
	int64_t sent;     /* bytes, when the last answer was counted */
	bool fresh;       /* the connection's TCP is not up yet */
};

/* Begins; never waits. keywords are copied, their texts and host borrowed. */
void dial_start(struct dial *dial, const struct keywords *keywords, const char *host,
                struct deadline deadline);

/* TLS may take so long and no longer; 0: as long as all of it. For a way to begin it that the
 * server may not know. */
void dial_limit_tls(struct dial *dial, int64_t ms);

/* Goes on as far as it can without waiting. */
void dial_step(struct dial *dial, struct deadline deadline);

/* Brings its cost up to now. */
void dial_account(struct dial *dial);

/* What to wait for before the next step. */
struct dial_need {
	int fd;         /* -1: only for the time */
	short events;   /* of poll() */
	int timeout_ms; /* step in any case after so long */
};
struct dial_need dial_need(const struct dial *dial, struct deadline deadline);

/* Waits for that. Returns WAIT_ABANDONED if the client hung up first: see wait.h. */
enum wait_outcome dial_wait(const struct dial *dial, struct deadline deadline, const int *client);

/* The connection becomes the caller's. */
PGconn *dial_take(struct dial *dial);

void dial_stop(struct dial *dial);

#endif
