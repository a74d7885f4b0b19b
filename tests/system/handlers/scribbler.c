/* scribbler - a hijacked worker, which overwrites the memory that it shares with its master
 *
 * PUT /scribbler/words?value=… fills the scoreboard with a 32-bit number.
 * PUT /scribbler/workers?value=… makes each slot claim to be a worker with that process ID, whose
 * request is late.
 */
#include <stdlib.h>
#include <unistd.h>

#include "nullpool.h"
#include "observe/scoreboard.h"

static const struct np_param what = { .name = "what", .in = NP_IN_PATH, .type = NP_TYPE_STRING };
static const struct np_param value = {
	.name = "value", .in = NP_IN_QUERY, .type = NP_TYPE_INT, .required = true
};

static uint32_t slots, routes;

static void
fill_scoreboard(uint32_t number)
{
	size_t bytes = sizeof(*board) + slots * sizeof(struct slot)
	               + routes * sizeof(struct route_counts);
	uint32_t *word = (uint32_t *)(void *)board;

	for (size_t i = 0; i < bytes / sizeof(*word); i++)
		word[i] = number;
}

static void
fake_workers(uint32_t number)
{
	for (uint32_t i = 0; i < slots; i++) {
		atomic_store(&board->slots[i].pid, (int)number);
		atomic_store(&board->slots[i].deadline_us, 1);
		atomic_store(&board->slots[i].state, SLOT_BUSY);
	}
}

static bool
scribble(struct np_ctx *ctx)
{
	uint32_t number = (uint32_t)np_arg(ctx, &value).integer;

	if (slots == 0) {
		slots = board->slot_count;
		routes = board->route_count;
	}
	(strcmp(np_arg(ctx, &what).text, "words") == 0 ? fill_scoreboard : fake_workers)(number);
	return np_reply_empty(ctx);
}

static bool
show_worker(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "worker", np_int(getpid()) }));
}

static const struct np_route route_table[] = {
	{ .method = "GET", .path = "/scribbler", .handle = show_worker, .tx = NP_TX_NONE },
	{ .method = "PUT",
	  .path = "/scribbler/{what}",
	  .handle = scribble,
	  .tx = NP_TX_NONE,
	  .params = NP_PARAMS(&what, &value) },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "scribbler", route_table);
}
