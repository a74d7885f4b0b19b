/* board - an untrusted scoreboard: if it passes the check, it can be counted and written as metrics
 *
 * Input: a byte whose lowest bit is the format of the metrics; the numbers of slots and routes of a
 * valid scoreboard, a byte each; a signed byte, which is added to the size of the file; then
 * changes to the file: an offset of 2 bytes, and the byte to put there.
 */
#include "observe/boards.h"
#include "observe/metrics.h"

#include "fuzz.h"

#define NAME "users"

static struct scoreboard *
valid_board(void *owner, uint32_t slots, uint32_t routes, size_t size)
{
	struct scoreboard *made = (struct scoreboard *)(void *)mem_array(owner, char, size);
	struct route_counts *route;

	made->magic = SCOREBOARD_MAGIC;
	made->version = SCOREBOARD_VERSION;
	made->pool_size = 1;
	made->slot_count = slots;
	made->route_count = routes;
	(void)snprintf(made->name, sizeof(made->name), NAME);
	route = (struct route_counts *)(void *)&made->slots[slots];
	for (uint32_t i = 0; i < routes; i++) {
		(void)snprintf(route[i].method, sizeof(route[i].method), "GET");
		(void)snprintf(route[i].path, sizeof(route[i].path), "/users/%u", (unsigned)i);
		atomic_store(&route[i].by_status[1], 1);
	}
	return made;
}

static void
check_accepted(void *owner, const struct scoreboard *one, bool openmetrics)
{
	const struct scoreboard *all[] = { one };
	const struct boards boards = { .all = all, .count = 1 };
	size_t workers = 0;
	struct buf out;

	HOLDS(strcmp(one->name, NAME) == 0);
	HOLDS(one->pool_size >= 0 && one->max_overflow >= 0 && (unsigned)one->uses_database <= 1);
	for (int state = 0; state < SLOT__MAX; state++)
		workers += scoreboard_count_of(one, (enum slot_state)state);
	HOLDS(workers == one->slot_count && scoreboard_overflow_of(one) <= one->slot_count);
	(void)board_has_ended(one);
	buf_init(&out, owner, 1 << 22);
	metrics_write(&out, &boards, openmetrics);
	HOLDS(!out.overflow && utf8_valid(out.data, out.size, NULL));
	for (char *line = out.data, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		HOLDS(end != NULL);
		*end = '\0';
		HOLDS(!has_control(line) && (*line == '#' || text_starts(line, "nullpool_")));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	bool openmetrics = input_byte(&in) & 1;
	uint32_t slots = 1 + input_byte(&in) % 4, routes = 1 + input_byte(&in) % 4;
	size_t valid_size = scoreboard_bytes(slots, routes);
	size_t file_size = valid_size + (size_t)(signed char)input_byte(&in);
	size_t room = file_size > valid_size ? file_size : valid_size;
	struct scoreboard *made = valid_board(owner, slots, routes, room);
	const struct scoreboard *one;
	struct error err;
	char *bytes;

	while (in.left >= 3) {
		size_t offset = input_byte(&in) << 8 | input_byte(&in);

		((char *)made)[offset % room] = (char)input_byte(&in);
	}
	/* The block has exactly the file's size, so a sanitizer reports every read beyond it. */
	bytes = malloc(file_size);
	HOLDS(bytes != NULL);
	memcpy(bytes, made, file_size);
	one = board_check(bytes, file_size, NAME, &err);
	if (one)
		check_accepted(owner, one, openmetrics);
	else
		check_error(&err, FAILURE_INTERNAL);
	HOLDS(one || size > 4 || file_size != valid_size);
	free(bytes);
	mem_free(owner);
	return 0;
}
