#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "serve/scoreboard.h"

static struct {
	atomic_bool *busy;
	size_t slots;
} board;

bool
scoreboard_open(size_t slots, struct error *err)
{
	void *memory = mmap(NULL, slots * sizeof(*board.busy), PROT_READ | PROT_WRITE,
	                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return error_set(err, NP_INTERNAL, "could not map the scoreboard: %s", strerror(errno));
	board.busy = memory;
	board.slots = slots;
	return true;
}

void
scoreboard_set_busy(size_t slot, bool busy)
{
	assert(slot < board.slots);
	atomic_store(&board.busy[slot], busy);
}

size_t
scoreboard_busy(void)
{
	size_t count = 0;

	for (size_t i = 0; i < board.slots; i++)
		count += atomic_load(&board.busy[i]);
	return count;
}

size_t
scoreboard_slots(void)
{
	return board.slots;
}
