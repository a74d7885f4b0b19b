#include "base/buf.h"
#include "base/mem.h"
#include "unit.h"

/* What was released, in order, one letter each. */
static char released_storage[16];
static struct buf released;

static void
release(void *thing)
{
	buf_text(&released, thing);
}

static int
forget_released(void **state)
{
	buf_init_fixed(&released, released_storage, sizeof(released_storage));
	return unit_setup(state);
}

static void
own_releases_in_reverse_order(void **state)
{
	char first[] = "1", second[] = "2", third[] = "3";
	void *scope = mem_scope(*state, "scope");

	mem_own(scope, first, release);
	mem_own(scope, second, release);
	mem_own(scope, third, release);
	assert_string_equal(released_storage, "");
	mem_free(scope);
	assert_string_equal(released_storage, "321");
}

static void
an_inner_scope_goes_with_its_owner_and_in_its_place(void **state)
{
	char first[] = "1", inside[] = "i", third[] = "3";
	void *scope = mem_scope(*state, "scope"), *inner;

	mem_own(scope, first, release);
	inner = mem_scope(scope, "inner");
	mem_own(inner, inside, release);
	mem_own(scope, third, release);
	mem_free(scope);
	assert_string_equal(released_storage, "3i1");
}

static void
a_scope_that_was_released_early_is_not_released_again(void **state)
{
	char first[] = "1", inside[] = "i";
	void *scope = mem_scope(*state, "scope"), *inner = mem_scope(scope, "inner");

	mem_own(scope, first, release);
	mem_own(inner, inside, release);
	mem_free(inner);
	assert_string_equal(released_storage, "i");
	mem_free(scope);
	assert_string_equal(released_storage, "i1");
}

static void
a_block_may_own_its_own_release(void **state)
{
	char *thing = mem_strdup(*state, "x");

	mem_own(thing, thing, release);
	mem_free(thing);
	assert_string_equal(released_storage, "x");
}

static void
the_process_owner_releases_at_the_end_and_may_start_again(void **state)
{
	char first[] = "1";
	void *process = mem_process();

	(void)state;
	assert_ptr_equal(mem_process(), process);
	mem_own(process, first, release);
	mem_end();
	assert_string_equal(released_storage, "1");
	mem_end();
	assert_non_null(mem_process());
	mem_end();
}

static void
new_things_are_zeroed(void **state)
{
	struct thing {
		int64_t numbers[50];
	} *thing = mem_new(*state, struct thing);
	int *items = mem_array(*state, int, 100);

	for (size_t i = 0; i < COUNT_OF(thing->numbers); i++)
		assert_int_equal(thing->numbers[i], 0);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(items[i], 0);
}

static void
an_array_may_be_empty(void **state)
{
	assert_non_null(mem_array(*state, int, 0));
}

static void
resize_keeps_the_contents(void **state)
{
	char *block = mem_resize(*state, NULL, 4);

	memcpy(block, "abc", 4);
	block = mem_resize(*state, block, 100000);
	assert_string_equal(block, "abc");
	assert_non_null(mem_resize(*state, NULL, 0));
}

static void
texts_are_copied(void **state)
{
	char text[] = "abcdef";
	char *copy = mem_strdup(*state, text), *part = mem_strndup(*state, text, 3);

	text[0] = 'x';
	assert_string_equal(copy, "abcdef");
	assert_string_equal(part, "abc");
	assert_string_equal(mem_strndup(*state, "ab", 10), "ab");
	assert_string_equal(mem_printf(*state, "%d-%s", 7, "x"), "7-x");
}

static void
free_accepts_null(void **state)
{
	(void)state;
	mem_free(NULL);
}

static void
take_too_much(void *owner)
{
	assert_non_null(mem_zeroed(owner, 16, SIZE_MAX / 16 + 2, "more than there is"));
}

static void
out_of_memory_ends_the_process_with_70(void **state)
{
	assert_int_equal(unit_end_of(take_too_much, *state), 70);
}

#define MEM_TEST(function) cmocka_unit_test_setup_teardown(function, forget_released, unit_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MEM_TEST(own_releases_in_reverse_order),
		MEM_TEST(an_inner_scope_goes_with_its_owner_and_in_its_place),
		MEM_TEST(a_scope_that_was_released_early_is_not_released_again),
		MEM_TEST(a_block_may_own_its_own_release),
		MEM_TEST(the_process_owner_releases_at_the_end_and_may_start_again),
		MEM_TEST(new_things_are_zeroed),
		MEM_TEST(an_array_may_be_empty),
		MEM_TEST(resize_keeps_the_contents),
		MEM_TEST(texts_are_copied),
		MEM_TEST(free_accepts_null),
		MEM_TEST(out_of_memory_ends_the_process_with_70),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
