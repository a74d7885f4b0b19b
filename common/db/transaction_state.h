/* transaction_state.h - where a request's transaction stands, and what moves it
 *
 * A run is one call of the handler. Each cell is the state after the event; a dash cannot happen.
 *
 *            opened  committed  ended  failed  resent  restarted  rolled back  streaming
 * READY      OPEN    READY      ENDED  FAILED  READY   READY      READY        STREAMING
 * OPEN       OPEN    READY      ENDED  FAILED  -       READY      READY        STREAMING
 * STREAMING  OPEN    -          ENDED  FAILED  -       READY      READY        -
 * ENDED      -       -          -      FAILED  -       READY      READY        -
 * FAILED     -       -          -      -       -       READY      READY        -
 *
 * The server's side is not repeated here: libpq knows whether it has a transaction open. In READY
 * such a transaction belongs to a run that failed, and the next flight rolls it back first.
 */
#ifndef NULLPOOL_DB_TRANSACTION_STATE_H
#define NULLPOOL_DB_TRANSACTION_STATE_H

enum transaction_state {
	TX_READY,     /* nothing of this run is open; a statement may begin */
	TX_OPEN,      /* this run sent a BEGIN, and no end of it */
	TX_STREAMING, /* rows of the last statement are still coming; no other may follow */
	TX_ENDED,     /* the statement marked as the last one is committed; no other may follow */
	TX_FAILED,    /* nothing of this run can be committed */
	TX_STATE__MAX,
};

enum transaction_event {
	TX_ON_OPENED,      /* a statement succeeded, and the server has the transaction open */
	TX_ON_COMMITTED,   /* a statement that is a transaction, or a commit, succeeded */
	TX_ON_ENDED,       /* the marked statement succeeded, and so did its commit */
	TX_ON_FAILED,      /* a statement or the commit failed */
	TX_ON_RESENT,      /* an opening flight did nothing, and is sent once more */
	TX_ON_RESTARTED,   /* the handler is called again */
	TX_ON_ROLLED_BACK, /* what was open was rolled back, or left to the server to do so */
	TX_ON_STREAMING,   /* the first answer of a streamed statement has come */
	TX_EVENT__MAX,
};

/* Returns the state after the event, or TX_STATE__MAX if the event cannot happen there. */
enum transaction_state transaction_state_after(enum transaction_state state,
                                               enum transaction_event event);

#endif
