/* scoreboard.h - what the workers of an endpoint do, in memory that they share and others may read
 *
 * The master makes it before it forks: in the run directory as <endpoint>.board, so that another program can map it
 * (read only), else in anonymous memory. Each worker writes its own slot only. All numbers are single atomic
 * stores; the two texts stand under a sequence number that is odd while they are written. So whoever dies in the
 * middle leaves nothing that a reader could take for something else, and the master clears the slots of the dead.
 */
#ifndef NULLPOOL_SERVE_SCOREBOARD_H
#define NULLPOOL_SERVE_SCOREBOARD_H

#include <stdatomic.h>

#include "base/attributes.h"
#include "base/error.h"

#define SCOREBOARD_MAGIC       0x6e70626fu /* "npbo" */
#define SCOREBOARD_VERSION     2
#define SCOREBOARD_NAME_BYTES  64
#define SCOREBOARD_ROUTE_BYTES 96
#define SCOREBOARD_ID_BYTES    72

enum slot_state { SLOT_FREE, SLOT_STARTING, SLOT_IDLE, SLOT_BUSY, SLOT__MAX };

struct slot {
	atomic_int state; /* enum slot_state */
	atomic_int pid;
	atomic_bool leaving;                /* it will end after what it has in hand */
	atomic_int ahead;                   /* enum connector_ahead: of its next connection */
	atomic_llong since_us;              /* of the state; clock_now_us(), which all processes share */
	atomic_llong deadline_us;           /* of the request in hand */
	atomic_ullong requests;             /* answered */
	atomic_uint sequence;               /* of the two texts */
	char route[SCOREBOARD_ROUTE_BYTES]; /* "GET /users/{id}" of the request in hand */
	char request_id[SCOREBOARD_ID_BYTES];
};

struct scoreboard {
	uint32_t magic, version;
	atomic_int master_pid;
	int32_t size, overflow; /* workers kept, and more on demand */
	uint32_t slot_count;
	char name[SCOREBOARD_NAME_BYTES];
	atomic_ullong requests[6]; /* by the hundreds of their status; [0] is not used */
	atomic_ullong forked, crashed, killed, queue_timeouts;
	struct slot slots[];
};

/* Makes the endpoint's own. `path` may be NULL. It is `board` from then on, in this process and its children. */
NP_MUST_CHECK bool scoreboard_make(const char *path, const char *name, int32_t size, int32_t overflow,
                                   uint32_t slots, struct error *err);
extern struct scoreboard *board;

/* Maps another one to read; NULL when the file is none. Release it with scoreboard_unmap(). */
const struct scoreboard *scoreboard_map(const char *path);
void scoreboard_unmap(const struct scoreboard *other);

void slot_set(struct slot *slot, enum slot_state state);

/* What is in hand: method, route and id may be cut. */
void slot_describe(struct slot *slot, const char *method, const char *route, const char *request_id);

/* False when the owner died while it wrote them; the texts are "" then. */
bool slot_read_texts(const struct slot *slot, char route[SCOREBOARD_ROUTE_BYTES],
                     char id[SCOREBOARD_ID_BYTES]);

/* Of a worker that is gone. */
void slot_clear(struct slot *slot);

/* How many slots are in a state. */
size_t scoreboard_count(enum slot_state state);

/* How many idle workers before `end` (NULL: all) have got at least so far with their next connection. */
size_t scoreboard_count_ahead(int ahead, const struct slot *end);

#endif
