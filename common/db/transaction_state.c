#include "db/transaction_state.h"

/* A cell that is not written is impossible. TX_READY is 0, so states are stored plus one. */
#define TO(state) ((state) + 1)

static const unsigned char after[TX_STATE__MAX][TX_EVENT__MAX] = {
	[TX_READY] = {
		[TX_ON_OPENED] = TO(TX_OPEN),
		[TX_ON_COMMITTED] = TO(TX_READY),
		[TX_ON_ENDED] = TO(TX_ENDED),
		[TX_ON_FAILED] = TO(TX_FAILED),
		[TX_ON_RESENT] = TO(TX_READY),
		[TX_ON_RESTARTED] = TO(TX_READY),
		[TX_ON_ROLLED_BACK] = TO(TX_READY),
		[TX_ON_STREAMING] = TO(TX_STREAMING),
	},
	[TX_OPEN] = {
		[TX_ON_OPENED] = TO(TX_OPEN),
		[TX_ON_COMMITTED] = TO(TX_READY),
		[TX_ON_ENDED] = TO(TX_ENDED),
		[TX_ON_FAILED] = TO(TX_FAILED),
		[TX_ON_RESTARTED] = TO(TX_READY),
		[TX_ON_ROLLED_BACK] = TO(TX_READY),
		[TX_ON_STREAMING] = TO(TX_STREAMING),
	},
	[TX_STREAMING] = {
		[TX_ON_OPENED] = TO(TX_OPEN), /* its commit is a flight of its own */
		[TX_ON_ENDED] = TO(TX_ENDED),
		[TX_ON_FAILED] = TO(TX_FAILED),
		[TX_ON_RESTARTED] = TO(TX_READY),
		[TX_ON_ROLLED_BACK] = TO(TX_READY),
	},
	[TX_ENDED] = {
		[TX_ON_FAILED] = TO(TX_FAILED), /* a further statement, which is refused */
		[TX_ON_RESTARTED] = TO(TX_READY),
		[TX_ON_ROLLED_BACK] = TO(TX_READY),
	},
	[TX_FAILED] = {
		[TX_ON_RESTARTED] = TO(TX_READY),
		[TX_ON_ROLLED_BACK] = TO(TX_READY),
	},
};

enum transaction_state
transaction_state_after(enum transaction_state state, enum transaction_event event)
{
	unsigned char cell = after[state][event];

	return cell ? (enum transaction_state)(cell - 1) : TX_STATE__MAX;
}
