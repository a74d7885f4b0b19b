/* scoreboard.h - what the workers of an endpoint are doing, in memory that they share
 *
 * The master creates the scoreboard before it forks: as <endpoint>.board in the run directory, so
 * that other programs can read it (boards.h), else in anonymous memory. Each worker writes only its
 * own slot, and adds to the counters. Every number is one atomic store. The two texts of a slot are
 * guarded by a sequence number that is odd while they are written. So a worker that dies at any
 * moment leaves nothing that misleads a reader, and the master clears its slot.
 *
 * A compromised worker can write anything anywhere in the scoreboard. So nobody asks the scoreboard
 * how large it is, which process has which slot, or what the limits of the pool are: each process
 * has those in private memory, in the plan that the scoreboard was created by. A state, time or
 * text that is read from it may have any value. It has no bool, since a byte that is neither 0 nor
 * 1 is not a valid one.
 */
#ifndef NULLPOOL_OBSERVE_SCOREBOARD_H
#define NULLPOOL_OBSERVE_SCOREBOARD_H

#include <stdatomic.h>

#include "app/attempts.h"
#include "base/attributes.h"
#include "base/error.h"
#include "cache/cache.h"
#include "db/connect.h"
#include "http/route.h"

#define SCOREBOARD_MAGIC       0x6e70626fu /* "npbo" */
#define SCOREBOARD_VERSION     7
#define SCOREBOARD_NAME_BYTES  64
#define SCOREBOARD_ROUTE_BYTES 96
#define SCOREBOARD_ID_BYTES    72

/* The statuses that have a counter of their own. The first, 0, counts all others. */
#define SCOREBOARD_STATUSES 19
extern const int scoreboard_statuses[SCOREBOARD_STATUSES];

/* The upper bounds of all histograms, in microseconds. One more bucket is without a bound. */
#define SCOREBOARD_BOUNDS 14
extern const int64_t scoreboard_bounds_us[SCOREBOARD_BOUNDS];

struct histogram {
	atomic_ullong buckets[SCOREBOARD_BOUNDS + 1]; /* not cumulative */
	atomic_ullong sum_us;
};

/* The first of a program counts requests for which no route was found. */
struct route_counts {
	char method[16], path[SCOREBOARD_ROUTE_BYTES];
	atomic_ullong by_status[SCOREBOARD_STATUSES];
	struct histogram duration;
};

enum slot_state { SLOT_FREE, SLOT_STARTING, SLOT_IDLE, SLOT_BUSY, SLOT__MAX };

/* Times are those of clock_now_us(), which all processes share. */
struct slot {
	atomic_int state; /* enum slot_state */
	atomic_int pid;
	atomic_int draining;                /* not 0: the worker ends after its request */
	atomic_int ahead;                   /* enum connector_ahead, of its next connection */
	atomic_llong since_us;              /* when it got its state */
	atomic_llong last_wakeup_us;        /* when it last woke up while idle, and could accept */
	atomic_llong deadline_us;           /* of its request */
	atomic_ullong requests;             /* answered so far */
	atomic_uint sequence;               /* of the two texts */
	char route[SCOREBOARD_ROUTE_BYTES]; /* of its request: "GET /users/{id}" */
	char request_id[SCOREBOARD_ID_BYTES];
};

/* A counter is called as its metric, without nullpool_ and _total. */
struct scoreboard {
	uint32_t magic, version;
	int64_t created_us; /* when the counters began at 0 */
	atomic_int master_pid;
	int32_t pool_size, max_overflow; /* permanent workers, and more on demand */
	int32_t uses_database;           /* 1: each worker may have a connection; 0: none has */
	uint32_t slot_count, route_count;
	char name[SCOREBOARD_NAME_BYTES];
	atomic_int tracing;           /* not 0: spans are wanted */
	atomic_int draining;          /* not 0: all workers were told to end */
	atomic_llong next_explain_us; /* the plan of a slow statement is not asked for earlier */
	atomic_ullong worker_forks;   /* the first counter; all members up to the slots are */
	atomic_ullong worker_crashes, worker_kills, pool_timeouts, clients_gone, replies_broken_off,
	    log_lines_dropped;
	struct histogram queue_wait; /* how long requests waited for a worker */
	atomic_ullong connections_opened, connection_failures[CONNECT_FAILURE__MAX];
	/* Requests that waited for a connection, and how long they waited in each phase. */
	atomic_ullong connects, connect_us[CONNECT_PHASE__MAX];
	atomic_ullong ahead_hits, ahead_wasted;
	atomic_ullong flights, queries, query_retries, transaction_reruns;
	atomic_ullong transactions[OUTCOME__MAX];
	atomic_ullong cache_requests[CACHE_HIT + 1]; /* by enum cache_result */
	atomic_ullong spans_sent, spans_failed, traces_dropped;
	struct slot
	    slots[]; /* slot_count of them; then follow route_count of struct route_counts */
};

struct scoreboard_plan {
	const char *name;
	const struct route_table *routes;
	int32_t pool_size, max_overflow;
	uint32_t slots;
	bool uses_database;
};

/* Creates the scoreboard of this endpoint, as a file if `path` is not NULL. From then on it is
 * `board`, in this process and its children. The texts and routes of the plan are borrowed for
 * good. */
NP_MUST_CHECK bool scoreboard_create(const char *path, const struct scoreboard_plan *plan,
                                     struct error *err);
extern struct scoreboard *board;

/* Returns the plan of `board`, which is in this process's private memory. */
const struct scoreboard_plan *scoreboard_plan(void);

/* Returns the size of a scoreboard in bytes. */
size_t scoreboard_bytes(size_t slots, size_t routes);

/* Returns the usual run directory that exists, /run/nullpool or make run's .local/run, or NULL. */
const char *scoreboard_directory(void);

/* Returns the route_count routes of a scoreboard that boards.h has checked. */
const struct route_counts *scoreboard_routes(const struct scoreboard *other);

/* --- counting, in `board` --- */

void histogram_add(struct histogram *histogram, int64_t us);

/* route: its index in the program's table, or -1 if none was found. */
void scoreboard_count_request(int64_t route, int status, int64_t us);

/* --- slots --- */

void slot_set(struct slot *slot, enum slot_state state);

/* Sets the texts of the current request, which may be cut. */
void slot_describe(struct slot *slot, const char *method, const char *route,
                   const char *request_id);

/* Returns false, and sets the texts to "", if the worker died while it wrote them. */
bool slot_read_texts(const struct slot *slot, char route[SCOREBOARD_ROUTE_BYTES],
                     char id[SCOREBOARD_ID_BYTES]);

/* Frees the slot of a worker that has ended. */
void slot_clear(struct slot *slot);

/* Returns how long the slot has had its state at now_us: at least 0, whatever the slot says. */
int64_t slot_age_us(const struct slot *slot, int64_t now_us);

/* Return how many slots have a state: of a scoreboard that boards.h has checked, and of `board`. */
size_t scoreboard_count_of(const struct scoreboard *other, enum slot_state state);
size_t scoreboard_count(enum slot_state state);

/* Return how many workers there are beyond the permanent ones, of the same two. */
size_t scoreboard_overflow_of(const struct scoreboard *other);
size_t scoreboard_overflow(void);

/* Returns how many idle workers in slots before `end` (NULL: in all) are at least as far as `ahead`
 * with their next connection. */
size_t scoreboard_count_ahead(int ahead, const struct slot *end);

#endif
