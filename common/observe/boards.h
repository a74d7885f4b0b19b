/* boards.h - the scoreboards of all endpoints, as another program reads them
 *
 * A scoreboard is input: a worker that was taken over may have written anything into its
 * endpoint's. So a file is never mapped. It is copied into memory of our own, checked there, and
 * only the copy is used. One that does not pass is refused whole, with the reason.
 *
 * What a check cannot find is a plausible lie: whoever can write to a board decides what is said of
 * that endpoint, and of no other. So a board's process ID is only ever asked whether it is alive.
 */
#ifndef NULLPOOL_OBSERVE_BOARDS_H
#define NULLPOOL_OBSERVE_BOARDS_H

#include "base/attributes.h"
#include "base/buf.h"
#include "observe/scoreboard.h"

/* Why one was refused, and whose it is by the name of its file. */
struct board_refusal {
	const char *name, *why;
};

struct boards {
	const struct scoreboard **all;
	size_t count;
	struct board_refusal *refused;
	size_t refused_count;
};

/* Reads all of a directory but those that are over, or whose master was killed and whose socket was
 * taken away: such an endpoint is gone and not down. What it finds belongs to owner. */
void boards_read(void *owner, const char *directory, struct boards *found);

/* Reads one. Returns NULL, and why, if it cannot be read or is refused. */
const struct scoreboard *board_read(void *owner, const char *path, struct error *err);

/* Checks a copy of one whose file is called <name>.board; `bytes` are aligned as talloc and
 * malloc() do. Returns the same bytes as a scoreboard, or NULL. */
const struct scoreboard *board_check(const void *bytes, size_t size, const char *name,
                                     struct error *err);

/* Appends ", name: why" for each that was refused. */
void boards_write_refused(const struct boards *boards, struct buf *out);

/* Returns true if its master ended by itself. */
bool board_has_ended(const struct scoreboard *other);

/* Returns true if its master is alive. A board outlives a master that was killed. */
bool board_is_alive(const struct scoreboard *other);

#endif
