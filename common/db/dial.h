/* dial.h - opens one connection step by step, so that other work can go on beside it
 *
 * Resolves the host's name, then tries its addresses in turn. Each gets an equal share of the time
 * that is left, so that one that swallows packets does not use up the time of the others. Only
 * dial_wait() and dial_finish() wait.
 *
 *     dial_start(&dial, …);
 *     while (dial.state == DIAL_GOING) {
 *             dial_wait(&dial, deadline, NULL);   or: poll for dial_need() beside other descriptors
 *             dial_step(&dial, deadline);
 *     }
 *     dial_stop(&dial);                           closes what was not taken
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

/* By phase; ends with NULL. */
extern const char *const connect_phase_names[CONNECT_PHASE__MAX + 1];

/* The cost of opening a connection. */
struct connect_cost {
	/* Answers that were waited for, that of TCP included; 0: no connection was opened. */
	int round_trips;
	int64_t total_us;
	int64_t phases_us[CONNECT_PHASE__MAX];
};

void connect_cost_add(struct connect_cost *sum, const struct connect_cost *one);

enum dial_state { DIAL_GOING, DIAL_DONE, DIAL_FAILED };

struct dial {
	enum dial_state state;
	PGconn *pg; /* DIAL_DONE: connected, non-blocking, in pipeline mode */
	struct connect_cost cost;

	/* After DIAL_FAILED. */
	struct error err;
	enum sqlstate_retry retry;
	bool timed_out; /* the last address did not answer in time */
	bool refused;   /* the server's certificate was refused */

	/* Private. */
	struct keywords keywords;
	const char *host; /* to be resolved; NULL: libpq needs no resolving */
	struct addresses addresses;
	size_t next_address;
	struct deadline address_deadline; /* of the current address */
	int64_t tls_max_us;               /* see dial_limit_tls() */
	bool tcp_only;                    /* see dial_limit_to_tcp() */
	PostgresPollingStatusType wants;
	struct ssl_st *tls; /* see tls_hold(); NULL: no handshake has begun */
	enum connect_phase phase;
	int64_t accounted_us; /* cost covers the time until then */
	int64_t bytes_sent;   /* when the last answer was counted */
	bool tcp_pending;     /* the address has not answered yet */
};

/* Starts; does not wait. The keywords are copied, but their texts and host are borrowed. */
void dial_start(struct dial *dial, const struct keywords *keywords, const char *host,
                struct deadline deadline);

/* Limits the time for TLS, for a way to begin it that the server may not know. Call it after
 * dial_start(). */
void dial_limit_tls(struct dial *dial, int64_t ms);

/* The dial is done once its socket is connected, before a byte is sent; then call
 * dial_take_socket(). Call it after dial_start(). */
void dial_limit_to_tcp(struct dial *dial);

/* Does what can be done without waiting. */
void dial_step(struct dial *dial, struct deadline deadline);

/* Adds the time that has passed to the cost. */
void dial_account(struct dial *dial);

/* What to wait for before the next step. */
struct dial_need {
	int fd;         /* -1: only for the time */
	short events;   /* of poll() */
	int timeout_ms; /* after which the next step is due in any case */
};
struct dial_need dial_need(const struct dial *dial, struct deadline deadline);

/* Waits for that. Returns WAIT_ABANDONED if the client hung up first: see wait.h. */
enum wait_outcome dial_wait(const struct dial *dial, struct deadline deadline, const int *client);

/* Waits and steps until the dial is done or has failed. Returns false if the client hung up first.
 */
NP_MUST_CHECK bool dial_finish(struct dial *dial, struct deadline deadline, const int *client);

/* After DIAL_DONE: the connection, which the caller finishes. */
PGconn *dial_take(struct dial *dial);

/* After DIAL_DONE of one that is limited to TCP: the socket, non-blocking, which the caller closes;
 * -1 if there is no descriptor left. */
int dial_take_socket(struct dial *dial);

/* Closes what was not taken. */
void dial_stop(struct dial *dial);

#endif
