#include "unit.h"

#include <sys/stat.h>

#include "serve/scoreboard.h"

#define SLOTS 3

static char path[64];

/* One in a temporary folder; its name is in path. */
static void
make(void)
{
	static const struct np_route routes[] = {
		{ "GET", "/users", NULL, NP_TX_READ, NULL },
		{ "POST", "/users", NULL, NP_TX_WRITE, NULL },
		NP_ROUTES_END,
	};
	static const struct scoreboard_plan plan = { "users", routes, 2, 1, SLOTS, true };
	struct error err;

	(void)snprintf(path, sizeof(path), "/tmp/nullpool-unit-%d.board", (int)getpid());
	assert_true(scoreboard_make(path, &plan, &err));
}

static void
another_reader_sees_what_the_owner_writes(void **state)
{
	const struct scoreboard *other;

	(void)state;
	make();
	other = scoreboard_map(path);
	assert_non_null(other);
	assert_string_equal(other->name, "users");
	assert_int_equal(other->size, 2);
	assert_int_equal(atomic_load(&other->master_pid), getpid());
	slot_set(&board->slots[1], SLOT_BUSY);
	assert_int_equal(atomic_load(&other->slots[1].state), SLOT_BUSY);
	assert_int_equal(scoreboard_count(SLOT_BUSY), 1);
	assert_int_equal(scoreboard_count(SLOT_FREE), SLOTS - 1);
	scoreboard_unmap(other);
	(void)unlink(path);
}

/* What a busy one has opened ahead is nobody's to wait for. */
static void
of_connections_ahead_only_those_of_idle_workers_count(void **state)
{
	(void)state;
	make();
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
those_beyond_the_kept_ones_are_overflow(void **state)
{
	(void)state;
	make();
	assert_int_equal(scoreboard_overflow_of(board), 0);
	slot_set(&board->slots[0], SLOT_IDLE);
	slot_set(&board->slots[1], SLOT_STARTING);
	assert_int_equal(scoreboard_overflow_of(board), 0);
	slot_set(&board->slots[2], SLOT_BUSY);
	assert_int_equal(scoreboard_overflow_of(board), 1);
	(void)unlink(path);
}

static void
a_new_one_leaves_the_old_ones_owners_theirs(void **state)
{
	struct scoreboard *old;

	(void)state;
	make();
	old = board;
	make();
	slot_set(&old->slots[0], SLOT_BUSY);
	assert_int_equal(scoreboard_count(SLOT_BUSY), 0);
	(void)unlink(path);
}

static void
others_than_owner_and_group_cannot_read_it(void **state)
{
	struct stat about;

	(void)state;
	make();
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 07, 0);
	(void)unlink(path);
}

static void
texts_are_cut_and_end(void **state)
{
	char route[SCOREBOARD_ROUTE_BYTES], id[SCOREBOARD_ID_BYTES], longest[500];

	(void)state;
	make();
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
who_dies_while_writing_leaves_no_text_for_readers(void **state)
{
	char route[SCOREBOARD_ROUTE_BYTES], id[SCOREBOARD_ID_BYTES];
	struct slot *slot;

	(void)state;
	make();
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
what_is_no_scoreboard_is_not_mapped(void **state)
{
	FILE *file;

	(void)state;
	make();
	assert_null(scoreboard_map("/tmp/nullpool-unit-no-such-file"));
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 100000; i++)
		(void)fputc('x', file);
	assert_int_equal(fclose(file), 0);
	assert_null(scoreboard_map(path));
	assert_int_equal(truncate(path, 10), 0);
	assert_null(scoreboard_map(path));
	(void)unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(another_reader_sees_what_the_owner_writes),
		TEST(of_connections_ahead_only_those_of_idle_workers_count),
		TEST(those_beyond_the_kept_ones_are_overflow),
		TEST(a_new_one_leaves_the_old_ones_owners_theirs),
		TEST(others_than_owner_and_group_cannot_read_it),
		TEST(texts_are_cut_and_end),
		TEST(who_dies_while_writing_leaves_no_text_for_readers),
		TEST(what_is_no_scoreboard_is_not_mapped),
	};

	return cmocka_run_group_tests_name("scoreboard", tests, NULL, NULL);
}
