/* answer.c - np_answer() and np_query_last(): the last statement of a route, with which the commit
 * travels
 *
 * The transaction is committed when the row arrives, so whatever could still fail for a reason that
 * lies in the program is checked before the statement is sent.
 */
#include "app/answer_row.h"
#include "app/idempotency.h"
#include "base/misuse.h"
#include "base/text.h"
#include "db/flight.h"
#include "db/sqlstate.h"
#include "http/route.h"

/* --- what the row has to have --- */

/* Returns true if `columns` of a statement, separated by commas, has the name. */
static bool
has_column(const char *columns, const char *name, size_t size)
{
	for (size_t found; *columns; columns += found + (columns[found] == ',')) {
		found = strcspn(columns, ",");
		if (found == size && memcmp(columns, name, size) == 0)
			return true;
	}
	return false;
}

/* `row` has the columns where the text of the statement does not show them; NULL: it does. */
static void
check_column(const struct np_statement *statement, const struct np_rows *row, const char *what,
             const char *name, size_t size)
{
	if (row ? !rows_has_column(row, name, size) : !has_column(statement->columns, name, size))
		misuse_note("%s names the column \"%.*s\", which %s does not have (%s:%d)", what,
		            (int)size, name, statement->name, statement->file, statement->line);
}

static void
check_columns(const struct np_route *route, const struct np_statement *statement,
              const struct np_rows *row)
{
	const char *template = route->answer.location ? route->answer.location : "";
	const struct np_names *omit = route->answer.omit;
	struct text_part part;

	while (text_next_part(&template, &part))
		if (part.name)
			check_column(statement, row, ".location", part.name, part.name_size);
	for (size_t i = 0; omit && i < omit->count; i++)
		check_column(statement, row, ".omit", omit->items[i], strlen(omit->items[i]));
}

/* --- the statement --- */

static void
check_end(const struct np_ctx *ctx, const char *function)
{
	if (ctx->route->tx != NP_TX_READ && ctx->route->tx != NP_TX_WRITE)
		misuse_note("%s() in a route that is neither NP_TX_READ nor NP_TX_WRITE", function);
}

static void
check_answer(const struct np_ctx *ctx, const struct np_call *call)
{
	const struct np_statement *statement = call->statement;
	bool has_row = statement->kind == NP_KIND_ONE,
	     has_content = route_success(ctx->route) != NP_STATUS_NO_CONTENT;

	check_end(ctx, "np_answer");
	if (reply_is_redirect((int)route_success(ctx->route)) && !ctx->route->answer.location)
		misuse_note("np_answer() of a redirect without .answer.location");
	(void)!ctx_has_transaction(ctx, "np_answer");
	ctx_check_call(call, has_row || (statement->kind == NP_KIND_EXEC && !has_content),
	               "np_answer");
	if (has_row && statement->columns)
		check_columns(ctx->route, statement, NULL);
}

/* Makes the statement one that fails in the server unless it returns one row: whoever commits with
 * it learns the number of rows too late. Without a row, an INSERT of one row that is alone in its
 * transaction has done nothing. Returns false if there is no such text. */
static bool
make_exact(struct np_ctx *ctx, const struct np_call *call, struct transaction_statement *sent)
{
	const struct np_statement *statement = call->statement;
	bool is_alone = !transaction_is_open(ctx->tx);

	if (is_alone && statement->inserts_one)
		return true;
	if (!statement->exact || call->count >= FLIGHT_VALUES_MAX)
		return false;
	sent->sql = statement->exact;
	sent->values = ctx_extend_values(ctx, call, VALUES(np_bool(!is_alone)));
	return true;
}

/* Returns true if the commit may travel with the statement. */
static bool
prepare_last(struct np_ctx *ctx, const struct np_call *call, struct transaction_statement *sent)
{
	/* In a GET that a precondition compares with, the write comes after this statement. */
	if (ctx_is_probing(ctx))
		return false;
	/* It fails if a column of its location is NULL. */
	if (reply_is_redirect((int)route_success(ctx->route)))
		return false;
	if (call->statement->kind != NP_KIND_ONE)
		return !ctx_has_key(ctx);
	/* Where the text does not name the columns, they are checked before the commit. */
	if (!call->statement->columns)
		return false;
	if (ctx_has_key(ctx))
		return idempotency_keep_row(ctx, call, sent);
	return ctx->route->tx == NP_TX_READ || make_exact(ctx, call, sent);
}

/* The failure of a statement that make_exact() or idempotency_keep_row() made. */
static bool
fail_to_run(struct np_ctx *ctx, const struct np_call *call)
{
	if (strcmp(ctx->error.sqlstate, SQLSTATE_NO_ROW) == 0)
		return ctx_fail_count(ctx, call, 0);
	if (strcmp(ctx->error.sqlstate, SQLSTATE_SEVERAL_ROWS) == 0)
		return ctx_fail_count(ctx, call, 2);
	return false;
}

bool
np_answer(struct np_ctx *ctx, struct np_call call)
{
	struct transaction_statement sent = ctx_statement(&call);
	bool last, done;
	struct np_rows *row;

	check_answer(ctx, &call);
	last = !misuse_noted() && prepare_last(ctx, &call, &sent);
	if (!ctx_run(ctx, &sent, last, &row))
		return last && fail_to_run(ctx, &call);
	if (call.statement->kind != NP_KIND_ONE) {
		done = np_reply_empty(ctx);
	} else {
		if (!ctx_check_one(ctx, &call, row))
			return false;
		if (!call.statement->columns) {
			check_columns(ctx->route, call.statement, row);
			if (misuse_noted() || !ctx_check_columns(ctx, row))
				return false;
		}
		done = answer_row(ctx, row);
	}
	ctx->answered = done && !ctx_is_probing(ctx);
	return done;
}

bool
np_query_last(struct np_ctx *ctx, struct np_rows **rows, struct np_call call)
{
	const struct transaction_statement sent = ctx_statement(&call);

	check_end(ctx, "np_query_last");
	ctx_check_call(&call, call.statement->kind != NP_KIND_EXEC, "np_query_last");
	return ctx_run(ctx, &sent, !ctx_is_probing(ctx) && !ctx_has_key(ctx), rows);
}
