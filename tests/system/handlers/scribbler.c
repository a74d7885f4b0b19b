/* scribbler - a worker that was taken over: it writes what it likes into the memory that it shares
 * with its master
 *
 * PUT /scribbler/words?value=… fills the scoreboard with a number of 32 bits, PUT
 * /scribbler/workers?value=… says of each slot that it is a worker of that process ID whose request
 * is late.
 */
#include <stdlib.h>
#include <unistd.h>

#include "nullpool.h"
#include "observe/scoreboard.h"

static uint32_t slots, routes;

static void
fill(uint32_t value)
{
	size_t bytes = sizeof(*board) + slots * sizeof(struct slot)
	               + routes * sizeof(struct route_counts);
	uint32_t *word = (uint32_t *)(void *)board;

	for (size_t i = 0; i < bytes / sizeof(*word); i++)
		word[i] = value;
}

static void
claim_workers(uint32_t value)
{
	for (uint32_t i = 0; i < slots; i++) {
		atomic_store(&board->slots[i].pid, (int)value);
		atomic_store(&board->slots[i].deadline_us, 1);
		atomic_store(&board->slots[i].state, SLOT_BUSY);
	}
}

static bool
scribble(struct np_ctx *ctx)
{
	uint32_t value = (uint32_t)np_arg(ctx, 1).integer;

	if (slots == 0) {
		slots = board->slot_count;
		routes = board->route_count;
	}
	(strcmp(np_arg(ctx, 0).text, "words") == 0 ? fill : claim_workers)(value);
	return np_reply_empty(ctx);
}

static bool
answer(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_OK, NP_MEMBERS({ "worker", np_int(ctx, getpid()) }));
}

static const struct np_param what[] = {
	{ .name = "what", .in = NP_PATH, .type = NP_STRING },
	{ .name = "value", .in = NP_QUERY, .type = NP_INT, .required = true },
	NP_PARAMS_END,
};

static const struct np_route table[] = {
	{ "GET", "/scribbler", answer, NP_TX_NONE },
	{ "PUT", "/scribbler/{what}", scribble, NP_TX_NONE, what },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "scribbler", table);
}
