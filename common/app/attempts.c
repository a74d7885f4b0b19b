#include "app/attempts.h"

#include <assert.h>

#include "app/ctx.h"
#include "app/idempotency.h"
#include "app/identify.h"
#include "app/precondition.h"

#define RERUNS_MAX      3
#define RERUN_MS        20 /* full jitter below this, doubled each time, up to 5 times */
#define RERUN_SHIFT_MAX 5

/* --- the states --- */

/* ATTEMPT_RUNNING is 0 and nothing leads to it but a conflict, so 0 elsewhere is a dash. */
static const unsigned char after[][ATTEMPT_EVENT__MAX] = {
	[ATTEMPT_RUNNING] = {
		[ATTEMPT_ON_OK] = ATTEMPT_DONE,
		[ATTEMPT_ON_DONE_BEFORE] = ATTEMPT_RECALLING,
		[ATTEMPT_ON_COMMIT_LOST] = ATTEMPT_UNKNOWN,
		[ATTEMPT_ON_CONFLICT] = ATTEMPT_RUNNING,
		[ATTEMPT_ON_UNDECIDED] = ATTEMPT_FAILED,
		[ATTEMPT_ON_REFUSED] = ATTEMPT_FAILED,
	},
	[ATTEMPT_UNKNOWN] = {
		[ATTEMPT_ON_OK] = ATTEMPT_DONE,
		[ATTEMPT_ON_DONE_BEFORE] = ATTEMPT_RECALLING,
		[ATTEMPT_ON_COMMIT_LOST] = ATTEMPT_UNKNOWN,
		[ATTEMPT_ON_CONFLICT] = ATTEMPT_UNKNOWN,
		[ATTEMPT_ON_UNDECIDED] = ATTEMPT_UNKNOWN,
		[ATTEMPT_ON_REFUSED] = ATTEMPT_FAILED,
	},
	[ATTEMPT_RECALLING] = {
		[ATTEMPT_ON_OK] = ATTEMPT_REPLAYED,
		[ATTEMPT_ON_COMMIT_LOST] = ATTEMPT_UNKNOWN,
		[ATTEMPT_ON_CONFLICT] = ATTEMPT_UNKNOWN,
		[ATTEMPT_ON_UNDECIDED] = ATTEMPT_UNKNOWN,
		[ATTEMPT_ON_REFUSED] = ATTEMPT_FAILED,
	},
};

enum attempt_state
attempt_state_after(enum attempt_state state, enum attempt_event event)
{
	unsigned char next = state < COUNT_OF(after) ? after[state][event] : 0;
	bool again = state == ATTEMPT_RUNNING && event == ATTEMPT_ON_CONFLICT;

	return next || again ? (enum attempt_state)next : ATTEMPT_STATE__MAX;
}

static bool
is_final(enum attempt_state state)
{
	return state >= ATTEMPT_DONE;
}

/* --- one step --- */

/* What the mode promises when the handler returned true. */
static bool
commit_run(struct np_ctx *ctx)
{
	switch (ctx->route->tx) {
	case NP_TX_WRITE:
		return idempotency_commit(ctx);
	case NP_TX_READ:
		/* A read of several queries in one transaction is valid only if that ended well. */
		return precondition_isolation(ctx) == NP_ISOLATION_READ_COMMITTED
		       || transaction_commit(ctx->tx, NULL, &ctx->error);
	case NP_TX_MANUAL:
	case NP_TX_NONE:
		break;
	}
	return true;
}

/* In an older snapshot the guard does not see that the key's request has just been done, but a
 * unique key of its rows does. */
static bool
key_may_be_done(const struct np_ctx *ctx)
{
	return ctx_has_key(ctx) && ctx->route->isolation != NP_ISOLATION_READ_COMMITTED
	       && strcmp(ctx->error.sqlstate, "23505") == 0;
}

static bool
was_in_the_way(const struct np_ctx *ctx)
{
	int reruns = ctx->attempts.reruns;

	if (reruns == 0 && ctx->route->tx == NP_TX_WRITE
	    && (precondition_may_have_changed(ctx) || key_may_be_done(ctx)))
		return true;
	return reruns < RERUNS_MAX && transaction_may_rerun(ctx->tx);
}

static enum attempt_event
classify_failure(const struct np_ctx *ctx)
{
	/* A repeat that is refused as another request's keeps the guard's words. */
	if (ctx->attempts.state != ATTEMPT_RECALLING && idempotency_is_done(ctx))
		return ATTEMPT_ON_DONE_BEFORE;
	if (ctx->error.kind == FAILURE_AMBIGUOUS && ctx_has_key(ctx))
		return ATTEMPT_ON_COMMIT_LOST;
	if (was_in_the_way(ctx))
		return ATTEMPT_ON_CONFLICT;
	if (ctx->error.kind == FAILURE_UNAVAILABLE || ctx->error.kind == FAILURE_TIMEOUT
	    || idempotency_is_running(ctx))
		return ATTEMPT_ON_UNDECIDED;
	return ATTEMPT_ON_REFUSED;
}

/* Whatever the handler made of it, somebody whom the database does not know gets a 401. */
static bool
confirm_caller(struct np_ctx *ctx)
{
	struct error own = ctx->error;

	if (!identify_confirm(ctx))
		return false;
	ctx->error = own;
	return true;
}

/* The handler may have made another failure of that of its statement: what the key's guard found,
 * and a commit that may have happened, decide what becomes of the request all the same. */
static bool
run_handler(struct np_ctx *ctx)
{
	bool ok = ctx_handle(ctx);
	const struct error *failure = transaction_failure(ctx->tx);

	if (!confirm_caller(ctx))
		return false;
	if (!ok && failure
	    && (failure->kind == FAILURE_AMBIGUOUS || idempotency_decides(ctx, failure)))
		ctx->error = *failure;
	return ok;
}

static enum attempt_event
take_step(struct np_ctx *ctx)
{
	bool ok = ctx->attempts.state == ATTEMPT_RECALLING
	              ? idempotency_recall(ctx)
	              : precondition_check(ctx) && run_handler(ctx) && commit_run(ctx);

	return ok ? ATTEMPT_ON_OK : classify_failure(ctx);
}

/* --- the attempts --- */

static bool
may_run_again(const struct np_ctx *ctx)
{
	return !ctx->route->no_rerun && !deadline_passed(ctx->deadline);
}

static void
start_again(struct np_ctx *ctx)
{
	int shift = ctx->attempts.reruns < RERUN_SHIFT_MAX ? ctx->attempts.reruns : RERUN_SHIFT_MAX;

	ctx->attempts.reruns++;
	clock_sleep_ms(clock_jitter_ms((int64_t)RERUN_MS << shift), ctx->deadline);
	ctx_restart(ctx);
}

/* What is known to have been sent must not be reported as not done. */
static void
remember_unknown(struct attempts *attempts, const struct error *err)
{
	if (err->kind != FAILURE_AMBIGUOUS && attempts->unknown.kind)
		return;
	attempts->unknown = *err;
	attempts->unknown.kind = FAILURE_AMBIGUOUS;
}

/* A later commit that was confirmed is known, also if the handler failed after it. */
static bool
stays_unknown(const struct np_ctx *ctx)
{
	return ctx->attempts.state == ATTEMPT_FAILED && ctx->attempts.unknown.kind
	       && !transaction_is_ended(ctx->tx);
}

bool
attempts_run(struct np_ctx *ctx)
{
	struct attempts *attempts = &ctx->attempts;
	enum attempt_event event;

	for (;;) {
		event = take_step(ctx);
		if (event == ATTEMPT_ON_COMMIT_LOST && attempts->state != ATTEMPT_RECALLING)
			attempts->commit_lost = true;
		attempts->state = attempt_state_after(attempts->state, event);
		assert(attempts->state != ATTEMPT_STATE__MAX);
		if (is_final(attempts->state))
			break;
		if (attempts->state == ATTEMPT_RECALLING)
			continue;
		if (attempts->state == ATTEMPT_UNKNOWN)
			remember_unknown(attempts, &ctx->error);
		if (!may_run_again(ctx)) {
			attempts->state = ATTEMPT_FAILED;
			break;
		}
		start_again(ctx);
	}
	if (stays_unknown(ctx))
		ctx->error = attempts->unknown;
	return event == ATTEMPT_ON_OK;
}

/* --- the outcome --- */

/* The answer may still be a failure: it was not stored, or cannot be read. */
static bool
found_done(const struct np_ctx *ctx)
{
	return ctx->attempts.state == ATTEMPT_REPLAYED
	       || (ctx->attempts.state == ATTEMPT_FAILED && ctx->idempotency.is_found
	           && !transaction_has_failed(ctx->tx));
}

const char *const request_outcome_names[OUTCOME__MAX] = {
	[OUTCOME_COMMITTED] = "committed",
	[OUTCOME_ROLLED_BACK] = "rolled_back",
	[OUTCOME_UNKNOWN] = "unknown",
	[OUTCOME_REPLAYED] = "replayed",
};

enum request_outcome
attempts_outcome(const struct np_ctx *ctx)
{
	static const enum request_outcome of_transaction[] = {
		[TX_OUTCOME_NONE] = OUTCOME_NONE,
		[TX_OUTCOME_COMMITTED] = OUTCOME_COMMITTED,
		[TX_OUTCOME_ROLLED_BACK] = OUTCOME_ROLLED_BACK,
		[TX_OUTCOME_UNKNOWN] = OUTCOME_UNKNOWN,
	};

	/* What was done before may be this request's own work, whose end was not seen. */
	if (found_done(ctx))
		return ctx->attempts.commit_lost ? OUTCOME_COMMITTED : OUTCOME_REPLAYED;
	if (stays_unknown(ctx))
		return OUTCOME_UNKNOWN;
	return of_transaction[transaction_outcome(ctx->tx)];
}
