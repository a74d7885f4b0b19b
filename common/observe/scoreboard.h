/* scoreboard.h - what the workers of an endpoint do, in memory that they share and others may read
 *
 * The master makes it before it forks: in the run directory as <endpoint>.board, so that another
 * program can read it (boards.h), else in anonymous memory. Each worker writes its own slot only.
 * All numbers are single atomic stores; the two texts stand under a sequence number that is odd
 * while they are written. So whoever dies in the middle leaves nothing that a reader could take for
 * something else, and the master clears the slots of the dead.
 *
 * A worker that was taken over can write anything anywhere into it. So it is never asked how large
 * it is, which process is whose, or what its limits are: the plan that it was made by says so, in
 * memory that each process has for itself. A state, a time or a text that is read from it may be
 * any value. There is no bool in it, since a byte that is neither 0 nor 1 is none.
 */
#ifndef NULLPOOL_OBSERVE_SCOREBOARD_H
#define NULLPOOL_OBSERVE_SCOREBOARD_H

#include <stdatomic.h>

#include "base/attributes.h"
#include "base/error.h"
#include "cache/cache.h"
#include "db/connect.h"
#include "db/transaction.h"

#define SCOREBOARD_MAGIC       0x6e70626fu /* "npbo" */
#define SCOREBOARD_VERSION     7
#define SCOREBOARD_NAME_BYTES  64
#define SCOREBOARD_ROUTE_BYTES 96
#define SCOREBOARD_ID_BYTES    72

/* The statuses that are counted by themselves; others are 0, "other". */
#define SCOREBOARD_STATUSES 19
extern const int scoreboard_statuses[SCOREBOARD_STATUSES];

/* Upper bounds in microseconds, the same for all; behind the last one is everything. */
#define SCOREBOARD_BOUNDS 14
extern const int64_t scoreboard_bounds_us[SCOREBOARD_BOUNDS];

struct histogram {
	atomic_ullong buckets[SCOREBOARD_BOUNDS + 1]; /* each for itself, not added up */
	atomic_ullong sum_us;
};

/* Of one route; the first of a program is what fits no route. */
struct route_counts {
	char method[16], path[SCOREBOARD_ROUTE_BYTES];
	atomic_ullong by_status[SCOREBOARD_STATUSES];
	struct histogram duration;
};

enum slot_state { SLOT_FREE, SLOT_STARTING, SLOT_IDLE, SLOT_BUSY, SLOT__MAX };

struct slot {
	atomic_int state; /* enum slot_state */
	atomic_int pid;
	atomic_int draining;         /* not 0: it will end after what it has in hand */
	atomic_int ahead;            /* enum connector_ahead: of its next connection */
	atomic_llong since_us;       /* of the state; clock_now_us(), which all processes share */
	atomic_llong last_wakeup_us; /* while idle: when it last woke up, and could accept */
	atomic_llong deadline_us;    /* of the request in hand */
	atomic_ullong requests;      /* answered */
	atomic_uint sequence;        /* of the two texts */
	char route[SCOREBOARD_ROUTE_BYTES]; /* "GET /users/{id}" of the request in hand */
	char request_id[SCOREBOARD_ID_BYTES];
};

struct scoreboard {
	uint32_t magic, version;
	int64_t created_us; /* of clock_now_us(): its counters began at 0 then */
	atomic_int master_pid;
	int32_t pool_size, max_overflow; /* workers kept, and more on demand */
	int32_t uses_database;           /* 1: a worker is a connection; 0: not */
	uint32_t slot_count, route_count;
	char name[SCOREBOARD_NAME_BYTES];
	atomic_int tracing;           /* not 0: spans are taken */
	atomic_int draining;          /* not 0: all workers were told to end */
	atomic_llong next_explain_us; /* no plan is asked for before; of clock_now_us() */
	atomic_ullong worker_forks;   /* the first of the counters, which are all atomic_ullong */
	atomic_ullong worker_crashes, worker_kills, pool_timeouts, clients_gone, log_lines_dropped;
	struct histogram queue_wait; /* waiting for a worker */
	atomic_ullong connections_opened, connection_failures[CONNECT_FAILURE__MAX];
	atomic_ullong connects, connect_us[CONNECT_PHASE__MAX]; /* waited for by requests */
	atomic_ullong ahead_hits, ahead_wasted;
	atomic_ullong flights, queries, query_retries, transaction_reruns;
	atomic_ullong transactions[OUTCOME__MAX];
	atomic_ullong cache_requests[CACHE_HIT + 1]; /* by enum cache_result */
	atomic_ullong spans_sent, spans_failed, traces_dropped;
	struct slot slots[]; /* the counters end here; the routes come after the slots */
};

struct scoreboard_plan {
	const char *name;
	const struct np_route *routes;
	int32_t pool_size, max_overflow;
	uint32_t slots;
	bool uses_database;
};

/* Makes the endpoint's own. `path` may be NULL. It is `board` from then on, in this process and its
 * children. The plan's texts and routes are borrowed for good. */
NP_MUST_CHECK bool scoreboard_create(const char *path, const struct scoreboard_plan *plan,
                                     struct error *err);
extern struct scoreboard *board;

/* What the own one was made by: private memory of this process. */
const struct scoreboard_plan *scoreboard_plan(void);

/* The bytes of one. */
size_t scoreboard_bytes(size_t slots, size_t routes);

/* Where they usually are: /run/nullpool, or .local/run of make run. NULL: there is neither. */
const char *scoreboard_directory(void);

/* The routes of one that boards.h has checked: route_count of them. */
const struct route_counts *scoreboard_routes(const struct scoreboard *other);

/* --- counting, in the own one --- */

void histogram_add(struct histogram *histogram, int64_t us);

/* route: its place in the program's table; -1: none was found. */
void scoreboard_count_request(int64_t route, int status, int64_t us);

/* --- slots --- */

void slot_set(struct slot *slot, enum slot_state state);

/* What is in hand: method, route and id may be cut. */
void slot_describe(struct slot *slot, const char *method, const char *route,
                   const char *request_id);

/* False when the owner died while it wrote them; the texts are "" then. */
bool slot_read_texts(const struct slot *slot, char route[SCOREBOARD_ROUTE_BYTES],
                     char id[SCOREBOARD_ID_BYTES]);

/* Of a worker that is gone. */
void slot_clear(struct slot *slot);

/* How long it has been in its state, at now_us: 0 or more, whatever stands there. */
int64_t slot_age_us(const struct slot *slot, int64_t now_us);

/* How many slots are in a state: of one that boards.h has checked, and of the own one. */
size_t scoreboard_count_of(const struct scoreboard *other, enum slot_state state);
size_t scoreboard_count(enum slot_state state);

/* Workers beyond those that are kept, in the same two. */
size_t scoreboard_overflow_of(const struct scoreboard *other);
size_t scoreboard_overflow(void);

/* How many idle workers before `end` (NULL: all) have got at least so far with their next
 * connection. */
size_t scoreboard_count_ahead(int ahead, const struct slot *end);

#endif
