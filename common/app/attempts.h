/* attempts.h - the attempts of one request: handler and commit, run again until the outcome is
 * known
 *
 * An attempt is run again while only another transaction was in its way, at most RERUNS_MAX times.
 * With an Idempotency-Key (idempotency.h) a commit whose outcome is unknown is not the end: the
 * next attempt asks under the key, until the request's deadline. Nothing has left the process
 * meanwhile.
 *
 * Each cell is the state after the event; a dash cannot happen.
 *
 *             ok        done before  commit lost  conflict  undecided  refused
 * RUNNING     DONE      RECALLING    UNKNOWN      RUNNING   FAILED     FAILED
 * UNKNOWN     DONE      RECALLING    UNKNOWN      UNKNOWN   UNKNOWN    FAILED
 * RECALLING   REPLAYED  -            UNKNOWN      UNKNOWN   UNKNOWN    FAILED
 */
#ifndef NULLPOOL_APP_ATTEMPTS_H
#define NULLPOOL_APP_ATTEMPTS_H

#include "base/attributes.h"
#include "base/error.h"

enum attempt_state {
	ATTEMPT_RUNNING,   /* the handler runs and its work is committed */
	ATTEMPT_UNKNOWN,   /* as RUNNING, after a commit that may have happened */
	ATTEMPT_RECALLING, /* the key is done: its answer is read */
	ATTEMPT_DONE,      /* committed; or a read that succeeded */
	ATTEMPT_REPLAYED,  /* the answer of the earlier request was given again */
	ATTEMPT_FAILED,
	ATTEMPT_STATE__MAX,
};

enum attempt_event {
	ATTEMPT_ON_OK,
	ATTEMPT_ON_DONE_BEFORE, /* the key belongs to a request that is committed */
	ATTEMPT_ON_COMMIT_LOST, /* with a key: the commit was sent, and its outcome was not seen */
	ATTEMPT_ON_CONFLICT,    /* another transaction was in the way */
	ATTEMPT_ON_UNDECIDED,   /* the database is away, or the key's first request still runs */
	ATTEMPT_ON_REFUSED,     /* any other failure, or no attempt is left */
	ATTEMPT_EVENT__MAX,
};

/* Returns the state after the event, or ATTEMPT_STATE__MAX if the event cannot happen there. */
enum attempt_state attempt_state_after(enum attempt_state state, enum attempt_event event);

/* Of one request; starts as zeros. */
struct attempts {
	enum attempt_state state;
	int reruns;
	bool commit_lost;     /* a commit of this request's own may have happened */
	struct error unknown; /* why the outcome is unknown; kind 0: it is known */
};

struct np_ctx;

/* Runs the request's attempts in its transaction. False: ctx->error says why. */
NP_MUST_CHECK bool attempts_run(struct np_ctx *ctx);

/* What became of the request's work, for the log and the metrics. */
enum request_outcome {
	OUTCOME_NONE, /* a read, or nothing was sent */
	OUTCOME_COMMITTED,
	OUTCOME_ROLLED_BACK,
	OUTCOME_UNKNOWN,  /* FAILURE_AMBIGUOUS */
	OUTCOME_REPLAYED, /* an earlier request did it, under the same key */
	OUTCOME__MAX,
};
extern const char *const request_outcome_names[OUTCOME__MAX]; /* of OUTCOME_NONE: NULL */
enum request_outcome attempts_outcome(const struct np_ctx *ctx);

#endif
