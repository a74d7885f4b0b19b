#include "unit.h"

#include <sys/stat.h>

#include "observe/boards.h"

#define SLOTS 3

static char name[32], path[64];

/* Creates `board` as the file `path`. */
static void
create_board(void)
{
	static const struct np_route routes[] = {
		{ .method = "GET", .path = "/users", .tx = NP_TX_READ },
		{ .method = "POST", .path = "/users", .tx = NP_TX_WRITE },
	};
	static const struct route_table table = { routes, COUNT_OF(routes) };
	static const struct scoreboard_plan plan = { name, &table, 2, 1, SLOTS, true };
	struct error err;

	(void)snprintf(name, sizeof(name), "nullpool-unit-%d", (int)getpid());
	(void)snprintf(path, sizeof(path), "/tmp/%s.board", name);
	assert_true(scoreboard_create(path, &plan, &err));
}

static void
another_reader_sees_what_the_owner_wrote(void **state)
{
	const struct scoreboard *other;
	struct error err;

	create_board();
	slot_set(&board->slots[1], SLOT_BUSY);
	other = board_read(*state, path, &err);
	assert_non_null(other);
	assert_string_equal(other->name, name);
	assert_int_equal(other->pool_size, 2);
	assert_int_equal(atomic_load(&other->master_pid), getpid());
	assert_int_equal(atomic_load(&other->slots[1].state), SLOT_BUSY);
	assert_int_equal(scoreboard_count_of(other, SLOT_BUSY), 1);
	assert_int_equal(scoreboard_count(SLOT_BUSY), 1);
	assert_int_equal(scoreboard_count(SLOT_FREE), SLOTS - 1);
	slot_clear(&board->slots[1]);
	assert_int_equal(scoreboard_count_of(other, SLOT_BUSY), 1);
	(void)unlink(path);
}

static void
writing_into_it_does_not_change_its_plan(void **state)
{
	(void)state;
	create_board();
	board->slot_count = UINT32_MAX;
	board->route_count = UINT32_MAX;
	board->pool_size = INT32_MIN;
	atomic_store(&board->slots[0].state, -7);
	atomic_store(&board->slots[1].state, SLOT_IDLE);
	assert_int_equal(scoreboard_plan()->slots, SLOTS);
	assert_int_equal(scoreboard_plan()->pool_size, 2);
	assert_int_equal(scoreboard_count(SLOT_IDLE), 1);
	assert_int_equal(scoreboard_overflow(), 0);
	scoreboard_count_request(1, 200, 5);
	(void)unlink(path);
}

static void
the_age_of_a_slot_is_never_negative(void **state)
{
	static const int64_t times[] = { INT64_MIN, -1, 0, INT64_MAX };

	(void)state;
	create_board();
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		atomic_store(&board->slots[0].since_us, times[i]);
		assert_int_equal(slot_age_us(&board->slots[0], 1000), 0);
	}
	atomic_store(&board->slots[0].since_us, 400);
	assert_int_equal(slot_age_us(&board->slots[0], 1000), 600);
	(void)unlink(path);
}

static void
expect_refusal(void *owner, const char *why)
{
	struct error err;

	assert_null(board_read(owner, path, &err));
	assert_string_equal(err.message, why);
}

static void
invalid_contents_are_refused_with_the_reason(void **state)
{
	struct boards found;

	create_board();
	atomic_store(&board->slots[2].state, SLOT__MAX);
	expect_refusal(*state, "it has an invalid worker");
	create_board();
	atomic_store(&board->flights, UINT64_MAX);
	expect_refusal(*state, "it has an invalid count");
	create_board();
	board->slot_count = 1 << 30;
	expect_refusal(*state, "its size does not match its slots and routes");
	create_board();
	board->name[0] = 'X';
	expect_refusal(*state, "its name does not match its file");
	boards_read(*state, "/tmp", &found);
	assert_true(found.refused_count > 0);
	(void)unlink(path);
}

/* The connection of a busy worker is not available to the next request. */
static void
only_idle_workers_count_as_ahead(void **state)
{
	(void)state;
	create_board();
	for (int i = 0; i < SLOTS; i++) {
		slot_set(&board->slots[i], i == 2 ? SLOT_BUSY : SLOT_IDLE);
		atomic_store(&board->slots[i].ahead, i == 0 ? 1 : 2);
	}
	assert_int_equal(scoreboard_count_ahead(1, NULL), 2);
	assert_int_equal(scoreboard_count_ahead(2, NULL), 1);
	assert_int_equal(scoreboard_count_ahead(1, &board->slots[1]), 1);
	slot_clear(&board->slots[1]);
	assert_int_equal(scoreboard_count_ahead(2, NULL), 0);
	(void)unlink(path);
}

static void
workers_beyond_the_permanent_ones_are_overflow(void **state)
{
	(void)state;
	create_board();
	assert_int_equal(scoreboard_overflow(), 0);
	slot_set(&board->slots[0], SLOT_IDLE);
	slot_set(&board->slots[1], SLOT_STARTING);
	assert_int_equal(scoreboard_overflow(), 0);
	slot_set(&board->slots[2], SLOT_BUSY);
	assert_int_equal(scoreboard_overflow(), 1);
	(void)unlink(path);
}

static void
workers_with_an_older_scoreboard_keep_it(void **state)
{
	struct scoreboard *old;

	(void)state;
	create_board();
	old = board;
	create_board();
	slot_set(&old->slots[0], SLOT_BUSY);
	assert_int_equal(scoreboard_count(SLOT_BUSY), 0);
	(void)unlink(path);
}

static void
only_owner_and_group_can_read_it(void **state)
{
	struct stat status;

	(void)state;
	create_board();
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07, 0);
	(void)unlink(path);
}

static void
long_texts_are_cut(void **state)
{
	char route[SCOREBOARD_ROUTE_BYTES], id[SCOREBOARD_ID_BYTES], longest[500];

	(void)state;
	create_board();
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	slot_describe(&board->slots[0], "GET", longest, longest);
	assert_true(slot_read_texts(&board->slots[0], route, id));
	assert_int_equal(strlen(route), SCOREBOARD_ROUTE_BYTES - 1);
	assert_int_equal(strlen(id), SCOREBOARD_ID_BYTES - 1);
	assert_int_equal(strncmp(route, "GET xxx", 7), 0);
	(void)unlink(path);
}

static void
a_worker_that_dies_while_writing_leaves_no_texts(void **state)
{
	char route[SCOREBOARD_ROUTE_BYTES], id[SCOREBOARD_ID_BYTES];
	struct slot *slot;

	(void)state;
	create_board();
	slot = &board->slots[0];
	slot_describe(slot, "GET", "/users", "id");
	atomic_fetch_add(&slot->sequence, 1);
	assert_false(slot_read_texts(slot, route, id));
	assert_string_equal(route, "");
	slot_clear(slot);
	slot_describe(slot, "GET", "/users", "id");
	assert_true(slot_read_texts(slot, route, id));
	assert_string_equal(route, "GET /users");
	(void)unlink(path);
}

static void
a_file_that_is_not_a_scoreboard_is_refused(void **state)
{
	struct error err;
	FILE *file;

	create_board();
	assert_null(board_read(*state, "/tmp/nullpool-unit-no-such-file", &err));
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 100000; i++)
		(void)fputc('x', file);
	assert_int_equal(fclose(file), 0);
	expect_refusal(*state, "it is not a scoreboard");
	assert_int_equal(truncate(path, 10), 0);
	expect_refusal(*state, "it is too short");
	(void)unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_refusal(*state, "it is not a scoreboard");
	(void)unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(another_reader_sees_what_the_owner_wrote),
		TEST(writing_into_it_does_not_change_its_plan),
		TEST(the_age_of_a_slot_is_never_negative),
		TEST(invalid_contents_are_refused_with_the_reason),
		TEST(only_idle_workers_count_as_ahead),
		TEST(workers_beyond_the_permanent_ones_are_overflow),
		TEST(workers_with_an_older_scoreboard_keep_it),
		TEST(only_owner_and_group_can_read_it),
		TEST(long_texts_are_cut),
		TEST(a_worker_that_dies_while_writing_leaves_no_texts),
		TEST(a_file_that_is_not_a_scoreboard_is_refused),
	};

	return cmocka_run_group_tests_name("scoreboard", tests, NULL, NULL);
}
