#include "db/transaction_state.h"
#include "unit.h"

/* The table of the header, a column for each event; '-' cannot happen. */
static const struct state_row {
	const char *about;
	enum transaction_state state;
	const char *after; /* R(eady), O(pen), S(treaming), E(nded), F(ailed) */
} rows[] = {
	/* opened, committed, ended, failed, resent, restarted, rolled back, streaming */
	{ "ready", TX_READY, "OREFRRRS" },         { "open", TX_OPEN, "OREF-RRS" },
	{ "streaming", TX_STREAMING, "O-EF-RR-" }, { "ended", TX_ENDED, "---F-RR-" },
	{ "failed", TX_FAILED, "-----RR-" },
};

static enum transaction_state
state_of(char letter)
{
	switch (letter) {
	case 'R':
		return TX_READY;
	case 'O':
		return TX_OPEN;
	case 'S':
		return TX_STREAMING;
	case 'E':
		return TX_ENDED;
	case 'F':
		return TX_FAILED;
	default:
		return TX_STATE__MAX;
	}
}

static void
every_pair_leads_where_the_table_says(void **state)
{
	(void)state;
	assert_int_equal(COUNT_OF(rows), TX_STATE__MAX);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(strlen(rows[i].after), TX_EVENT__MAX);
		for (int event = 0; event < TX_EVENT__MAX; event++)
			row_int(
			    &rows[i],
			    transaction_state_after(rows[i].state, (enum transaction_event)event),
			    state_of(rows[i].after[event]));
	}
}

static void
a_restart_and_a_rollback_lead_to_ready_from_everywhere(void **state)
{
	(void)state;
	for (int from = 0; from < TX_STATE__MAX; from++) {
		assert_int_equal(
		    transaction_state_after((enum transaction_state)from, TX_ON_RESTARTED),
		    TX_READY);
		assert_int_equal(
		    transaction_state_after((enum transaction_state)from, TX_ON_ROLLED_BACK),
		    TX_READY);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_pair_leads_where_the_table_says),
		TEST(a_restart_and_a_rollback_lead_to_ready_from_everywhere),
	};

	return cmocka_run_group_tests_name("transaction_state", tests, NULL, NULL);
}
