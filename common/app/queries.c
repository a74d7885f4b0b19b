/* queries.c - several statements in one round trip, and one that may be refused */
#include "app/ctx.h"
#include "app/failure.h"
#include "base/mem.h"
#include "base/misuse.h"

static void
check_queries(const struct np_queries *queries)
{
	size_t count = queries ? queries->count : 0;

	if (count == 0 || count > TRANSACTION_STATEMENTS_MAX)
		misuse_note("np_queries() of %zu statements: 1 to %d are possible", count,
		            TRANSACTION_STATEMENTS_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct np_query *query = &queries->items[i];

		/* Whoever wants no rows may drop those of any kind. */
		ctx_check_call(&query->call,
		               !query->rows || query->call.statement->kind != NP_KIND_EXEC,
		               "np_queries");
	}
}

/* Gives the rows out, also if one of them fails: what was read may be looked at. */
static bool
hand_out(struct np_ctx *ctx, const struct np_queries *queries, struct np_rows *const *rows)
{
	bool ok = true;

	for (size_t i = 0; i < queries->count; i++) {
		const struct np_query *query = &queries->items[i];

		if (query->rows)
			*query->rows = rows[i];
		if (ok && query->call.statement->kind == NP_KIND_ONE)
			ok = ctx_check_one(ctx, &query->call, rows[i]);
	}
	return ok;
}

bool
np_queries(struct np_ctx *ctx, const struct np_queries *queries)
{
	struct transaction_statement statements[TRANSACTION_STATEMENTS_MAX];
	struct np_rows *rows[TRANSACTION_STATEMENTS_MAX];

	check_queries(queries);
	for (size_t i = 0; queries && i < queries->count; i++)
		if (queries->items[i].rows)
			*queries->items[i].rows = NULL;
	if (!ctx_may_query(ctx, "np_queries") || !queries)
		return false;
	for (size_t i = 0; i < queries->count; i++)
		statements[i] = ctx_statement(&queries->items[i].call);
	return transaction_run_all(ctx->tx, statements, queries->count, rows, &ctx->error)
	       && hand_out(ctx, queries, rows);
}

/* Of those that only the library knows, a statement may be refused with a 405. */
static enum np_error
error_of(enum failure kind)
{
	return kind <= FAILURE_TIMEOUT ? (enum np_error)kind : NP_ERROR_INVALID;
}

bool
np_try(struct np_ctx *ctx, struct np_rows **rows, struct np_refusal *refusal, struct np_call call)
{
	const struct transaction_statement statement = ctx_statement(&call);
	struct error why;

	*refusal = (struct np_refusal){ .refused = false };
	*rows = NULL;
	ctx_check_call(&call, true, "np_try");
	if (!ctx_may_query(ctx, "np_try"))
		return false;
	if (!transaction_try(ctx->tx, &statement, rows, &why, &ctx->error))
		return false;
	if (!why.kind)
		return true;
	refusal->refused = true;
	refusal->error = error_of(why.kind);
	refusal->status = why.status ? why.status : failure_status(why.kind);
	refusal->constraint = *why.constraint ? mem_strdup(ctx, why.constraint) : NULL;
	refusal->message = mem_strdup(ctx, why.message);
	return true;
}
