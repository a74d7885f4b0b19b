/* boards.h - reads the scoreboards of all endpoints, also from other programs
 *
 * A scoreboard is untrusted input: a compromised worker may have written anything into the one of
 * its endpoint. So its file is never mapped. It is copied into private memory and checked there,
 * and only the copy is used. A scoreboard that fails the check is refused as a whole, with the
 * reason.
 *
 * The check cannot find a plausible lie: whoever can write to a scoreboard decides what is reported
 * about that endpoint, but about no other. So its process ID is used only to ask whether that
 * process is alive.
 */
#ifndef NULLPOOL_OBSERVE_BOARDS_H
#define NULLPOOL_OBSERVE_BOARDS_H

#include "base/attributes.h"
#include "base/buf.h"
#include "observe/scoreboard.h"

struct board_refusal {
	const char *name; /* of the endpoint, by the name of the file */
	const char *reason;
};

struct boards {
	const struct scoreboard **all;
	size_t count;
	struct board_refusal *refused;
	size_t refused_count;
};

/* Reads all scoreboards of a directory; the result belongs to owner. Leaves out endpoints that have
 * ended, and those whose master was killed and whose socket was removed: they are gone, not down.
 */
void boards_read(void *owner, const char *directory, struct boards *found);

/* Reads one scoreboard. Returns NULL if it cannot be read or is refused. */
const struct scoreboard *board_read(void *owner, const char *path, struct error *err);

/* Checks a copy of the file <name>.board. `bytes` must be aligned as by talloc or malloc(). Returns
 * them as a scoreboard, or NULL. */
const struct scoreboard *board_check(const void *bytes, size_t size, const char *name,
                                     struct error *err);

/* Appends ", name: reason" for each refused scoreboard. */
void boards_write_refused(const struct boards *boards, struct buf *out);

/* Returns true if the master of the endpoint has ended regularly. */
bool board_has_ended(const struct scoreboard *other);

/* Returns true if the master of the endpoint is alive. The scoreboard of a killed master stays. */
bool board_is_alive(const struct scoreboard *other);

#endif
