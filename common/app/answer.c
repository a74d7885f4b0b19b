/* answer.c - np_answer() and np_query_last(): the last statement of a route, with which the commit
 * travels
 *
 * The transaction is committed when the row arrives, so whatever could still fail for a reason that
 * lies in the program is checked before the statement is sent.
 */
#include "app/answer_row.h"
#include "base/misuse.h"
#include "base/text.h"
#include "http/route.h"

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

static void
check_column(const struct np_statement *statement, const char *what, const char *name, size_t size)
{
	if (!has_column(statement->columns, name, size))
		misuse_note("%s names the column \"%.*s\", which %s does not have (%s:%d)", what,
		            (int)size, name, statement->name, statement->file, statement->line);
}

/* Checks what the row has to have, before anything is sent. */
static void
check_columns(const struct np_route *route, const struct np_statement *statement)
{
	const char *template = route->answer.location ? route->answer.location : "";
	const struct np_names *omit = route->answer.omit;
	struct text_part part;

	while (text_next_part(&template, &part))
		if (part.name)
			check_column(statement, ".location", part.name, part.name_size);
	for (size_t i = 0; omit && i < omit->count; i++)
		check_column(statement, ".omit", omit->items[i], strlen(omit->items[i]));
}

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
	ctx_check_call(call, has_row || (statement->kind == NP_KIND_EXEC && !has_content),
	               "np_answer");
	if (has_row && statement->columns)
		check_columns(ctx->route, statement);
}

bool
np_answer(struct np_ctx *ctx, struct np_call call)
{
	bool has_row = call.statement->kind == NP_KIND_ONE, last;
	struct transaction_statement sent = ctx_statement(&call);
	struct np_rows *row;

	check_answer(ctx, &call);
	/* In a GET that a precondition compares with, the write comes after this statement. Where
	 * the text does not name the columns, they are checked before the commit. */
	last = !ctx_is_probing(ctx) && (!has_row || call.statement->columns)
	       && idempotency_keep_row(ctx, &call, &sent);
	if (!ctx_run(ctx, &sent, last, &row))
		return false;
	if (!has_row)
		return np_reply_empty(ctx);
	return ctx_check_one(ctx, &call, row)
	       && (call.statement->columns || ctx_check_columns(ctx, row)) && answer_row(ctx, row);
}

bool
np_query_last(struct np_ctx *ctx, struct np_rows **rows, struct np_call call)
{
	const struct transaction_statement sent = ctx_statement(&call);

	check_end(ctx, "np_query_last");
	ctx_check_call(&call, true, "np_query_last");
	return ctx_run(ctx, &sent, !ctx_is_probing(ctx) && !ctx_has_key(ctx), rows);
}
