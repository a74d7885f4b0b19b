#include "app/attempts.h"
#include "unit.h"

/* The table of the header, a column for each event; '-' cannot happen. */
static const struct attempt_row {
	const char *about;
	enum attempt_state state;
	const char *after; /* r(unning), U(nknown), C (recalling), D(one), R(eplayed), F(ailed) */
} rows[] = {
	/*                       ok, done before, commit lost, conflict, undecided, refused */
	{ "running", ATTEMPT_RUNNING, "DCUrFF" },     { "unknown", ATTEMPT_UNKNOWN, "DCUUUF" },
	{ "recalling", ATTEMPT_RECALLING, "R-UUUF" }, { "done", ATTEMPT_DONE, "------" },
	{ "replayed", ATTEMPT_REPLAYED, "------" },   { "failed", ATTEMPT_FAILED, "------" },
};

static enum attempt_state
state_of(char letter)
{
	static const char letters[] = "rUCDRF";
	const char *found = strchr(letters, letter);

	return found ? (enum attempt_state)(found - letters) : ATTEMPT_STATE__MAX;
}

static void
every_pair_leads_where_the_table_says(void **state)
{
	(void)state;
	assert_int_equal(COUNT_OF(rows), ATTEMPT_STATE__MAX);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(strlen(rows[i].after), ATTEMPT_EVENT__MAX);
		for (int event = 0; event < ATTEMPT_EVENT__MAX; event++)
			row_int(&rows[i],
			        attempt_state_after(rows[i].state, (enum attempt_event)event),
			        state_of(rows[i].after[event]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { TEST(every_pair_leads_where_the_table_says) };

	return cmocka_run_group_tests_name("attempts", tests, NULL, NULL);
}
