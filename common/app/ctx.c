/* ctx.c - the functions of nullpool.h that a handler calls */
#include <stdarg.h>

#include "app/ctx.h"
#include "app/value_json.h"
#include "base/mem.h"
#include "base/misuse.h"
#include "base/value.h"
#include "http/json_check.h"
#include "http/param_row.h"
#include "http/problem.h"
#include "http/route.h"

/* --- failures --- */

bool
ctx_our_fault(struct np_ctx *ctx, const char *what)
{
	return error_internal(&ctx->error, "%s", what);
}

bool
np_fail(struct np_ctx *ctx, enum np_error error, const char *format, ...)
{
	char *text;
	va_list args;

	/* A response that is committed must not become a failure. */
	if (ctx->answered)
		misuse_note("np_fail() after np_answer()");
	ctx->own_failure = NULL;
	va_start(args, format);
	text = mem_vprintf(ctx, format, args);
	va_end(args);
	if (error == NP_ERROR_INTERNAL || error < NP_ERROR_MALFORMED || error > NP_ERROR_TIMEOUT)
		return ctx_our_fault(ctx, text);
	return error_set(&ctx->error, (enum failure)error, "%s", text);
}

void
np_retry_after(struct np_ctx *ctx, int64_t seconds)
{
	ctx->retry_after_s = seconds;
}

/* --- the request --- */

const struct argument *
ctx_find_argument(const struct np_ctx *ctx, const struct np_param *param, const char *function)
{
	static const struct argument absent = { .given = false };
	size_t index = param_index(ctx->route->params, param);

	if (!ctx->arguments) {
		misuse_note("%s() in a guard, which has no arguments", function);
		return &absent;
	}
	if (index != PARAM_NONE)
		return &ctx->arguments[index];
	misuse_note("%s() of parameter \"%s\", which the route does not have", function,
	            param ? param->name : "NULL");
	return &absent;
}

struct np_value
np_arg(const struct np_ctx *ctx, const struct np_param *param)
{
	return ctx_find_argument(ctx, param, "np_arg")->value;
}

bool
np_given(const struct np_ctx *ctx, const struct np_param *param)
{
	return ctx_find_argument(ctx, param, "np_given")->given;
}

const char *
np_text_of(struct np_ctx *ctx, struct np_value value)
{
	char number[VALUE_TEXT_BYTES];
	const char *text = value_text(&value, number);

	return text == number ? mem_strdup(ctx, number) : text;
}

const char *
np_api_prefix(const struct np_ctx *ctx)
{
	return ctx->app->settings->api_prefix;
}

struct np_value
np_setting(const struct np_ctx *ctx, const struct np_setting *setting)
{
	const struct np_value *value = own_settings_find(&ctx->app->settings->own, setting);

	if (!value)
		misuse_note("np_setting() of %s, which the program does not declare",
		            setting && setting->name ? setting->name : "NULL");
	return value ? *value : np_null();
}

const char *
np_app_name(const struct np_ctx *ctx)
{
	return ctx->app->settings->app_name;
}

/* --- the database --- */

struct transaction_statement
ctx_statement(const struct np_call *call)
{
	return (struct transaction_statement){ call->statement->sql,
		                               { call->values, call->count },
		                               call->statement->name };
}

struct values
ctx_extend_values(struct np_ctx *ctx, const struct np_call *call, struct values more)
{
	size_t count = call->count + more.count;
	struct np_value *values = mem_array(ctx, struct np_value, count);

	if (call->count > 0)
		memcpy(values, call->values, call->count * sizeof(*values));
	memcpy(values + call->count, more.items, more.count * sizeof(*values));
	return (struct values){ values, count };
}

void
ctx_check_call(const struct np_call *call, bool fits, const char *function)
{
	static const char *const kinds[] = {
		[NP_KIND_ONE] = "one", [NP_KIND_MANY] = "many", [NP_KIND_EXEC] = "exec"
	};
	const struct np_statement *called = call->statement;

	if (!fits)
		misuse_note("%s() of %s, which is :%s (%s:%d)", function, called->name,
		            kinds[called->kind], called->file, called->line);
	if (call->count != called->params)
		misuse_note("a call of %s with %zu values in place of %zu (%s:%d)", called->name,
		            call->count, called->params, called->file, called->line);
}

bool
ctx_has_transaction(const struct np_ctx *ctx, const char *function)
{
	if (!ctx->tx)
		misuse_note("%s() in a guard, which has no transaction", function);
	return ctx->tx;
}

bool
ctx_may_query(struct np_ctx *ctx, const char *function)
{
	if (ctx->streamed)
		misuse_note("a query after the statement of a stream");
	/* Of this call, or of what gave it its values. */
	if (!ctx_has_transaction(ctx, function) || misuse_noted())
		return ctx_our_fault(ctx, misuse_noted());
	return true;
}

bool
ctx_run(struct np_ctx *ctx, const struct transaction_statement *statement, bool last,
        struct np_rows **rows)
{
	*rows = NULL;
	if (!ctx_may_query(ctx, "np_query"))
		return false;
	return transaction_run(ctx->tx, statement, last, rows, &ctx->error);
}

bool
ctx_fail_count(struct np_ctx *ctx, const struct np_call *call, size_t count)
{
	const char *not_found = ctx->route->errors.not_found;

	if (count == 0)
		return np_fail(ctx, NP_ERROR_NOT_FOUND, "%s",
		               not_found ? not_found : PROBLEM_NOT_FOUND);
	return np_fail(ctx, NP_ERROR_INTERNAL, "%s is :one and returned several rows (%s:%d)",
	               call->statement->name, call->statement->file, call->statement->line);
}

bool
ctx_check_one(struct np_ctx *ctx, const struct np_call *call, const struct np_rows *rows)
{
	return np_rows_count(rows) == 1 || ctx_fail_count(ctx, call, np_rows_count(rows));
}

static bool
run_call(struct np_ctx *ctx, struct np_rows **rows, const struct np_call *call)
{
	const struct transaction_statement statement = ctx_statement(call);

	return ctx_run(ctx, &statement, false, rows);
}

bool
np_query(struct np_ctx *ctx, struct np_rows **rows, struct np_call call)
{
	ctx_check_call(&call, call.statement->kind != NP_KIND_EXEC, "np_query");
	return run_call(ctx, rows, &call);
}

bool
np_query_one(struct np_ctx *ctx, struct np_rows **row, struct np_call call)
{
	struct np_rows *rows;

	*row = NULL;
	ctx_check_call(&call, call.statement->kind == NP_KIND_ONE, "np_query_one");
	if (!run_call(ctx, &rows, &call) || !ctx_check_one(ctx, &call, rows))
		return false;
	*row = rows;
	return true;
}

bool
np_exec(struct np_ctx *ctx, struct np_call call)
{
	struct np_rows *rows;

	ctx_check_call(&call, true, "np_exec");
	return run_call(ctx, &rows, &call);
}

bool
np_commit(struct np_ctx *ctx)
{
	if (ctx->route->tx != NP_TX_MANUAL)
		return ctx_our_fault(ctx, "np_commit() in a route that is not NP_TX_MANUAL");
	if (!ctx_has_transaction(ctx, "np_commit") || misuse_noted())
		return ctx_our_fault(ctx, misuse_noted());
	return transaction_commit(ctx->tx, NULL, &ctx->error);
}

void
np_rollback(struct np_ctx *ctx)
{
	if (ctx->route->tx != NP_TX_MANUAL)
		misuse_note("np_rollback() in a route that is not NP_TX_MANUAL");
	else if (ctx_has_transaction(ctx, "np_rollback"))
		transaction_rollback(ctx->tx);
}

bool
ctx_handle(struct np_ctx *ctx)
{
	bool succeeded;

	misuse_reset();
	ctx->answered = false;
	ctx->streamed = false;
	ctx->asked_first = false;
	succeeded = ctx->route->handle(ctx);
	if (misuse_noted())
		return np_fail(ctx, NP_ERROR_INTERNAL, "%s %s: %s", ctx->route->method,
		               ctx->route->path, misuse_noted());
	if (!succeeded)
		return ctx->error.kind
		           ? false
		           : ctx_our_fault(ctx, "the handler failed without saying why");
	if (!ctx->replied)
		return ctx_our_fault(ctx, "the handler succeeded without a reply");
	return true;
}

void
ctx_restart(struct np_ctx *ctx)
{
	transaction_restart(ctx->tx);
	reply_reset(&ctx->reply);
	ctx->replied = false;
	ctx->answered = false;
	ctx->error = (struct error){ .kind = 0 };
	ctx->retry_after_s = 0;
	ctx->own_failure = NULL;
}

/* --- the reply --- */

const char *
ctx_location(struct np_ctx *ctx, const char *location)
{
	const char *prefix = ctx->app->settings->api_prefix;
	bool is_path = *location == '/' && location[1] != '/';

	return is_path && *prefix ? mem_printf(ctx, "%s%s", prefix, location) : location;
}

void
ctx_begin_reply(struct np_ctx *ctx, const char *content_type)
{
	reply_begin(&ctx->reply, content_type);
	ctx->replied = false;
}

bool
ctx_finish_reply(struct np_ctx *ctx, enum np_status status)
{
	/* A repeat would get the row of np_answer(). */
	if (ctx->answered)
		misuse_note("a second reply, after np_answer()");
	if (!route_is_success(status))
		return ctx_our_fault(ctx, "a reply with a status that is no np_status");
	if (reply_is_redirect((int)status) && !reply_header(&ctx->reply, "Location"))
		return ctx_our_fault(ctx, "a redirect without a Location");
	if (ctx->reply.body.overflow)
		return ctx_our_fault(ctx, "the reply is larger than REPLY_BODY_MAX_BYTES");
	if (!reply_has_content((int)status) && ctx->reply.body.size > 0)
		return ctx_our_fault(ctx, "a reply without content has a body");
	ctx->reply.status = (int)status;
	ctx->replied = true;
	return true;
}

bool
ctx_check_columns(struct np_ctx *ctx, const struct np_rows *rows)
{
	const char *duplicate = rows_duplicate_column(rows);

	return !duplicate
	       || np_fail(ctx, NP_ERROR_INTERNAL, "two columns are named \"%s\"", duplicate);
}

bool
np_header(struct np_ctx *ctx, const char *name, const char *format, ...)
{
	char *value;
	va_list args;

	if (ctx->answered)
		misuse_note("np_header() after np_answer()");
	if (!name || reply_is_own_header(name))
		return np_fail(ctx, NP_ERROR_INTERNAL,
		               "np_header() of %s, which the library writes", name ? name : "NULL");
	va_start(args, format);
	value = mem_vprintf(ctx, format, args);
	va_end(args);
	/* nginx would take the first of two. */
	if (text_equal_nocase(name, "Content-Security-Policy") && reply_header(&ctx->reply, name))
		return np_fail(ctx, NP_ERROR_INTERNAL, "np_header() of %s twice", name);
	if (text_equal_nocase(name, "Location"))
		return reply_add_header(&ctx->reply, name, ctx_location(ctx, value), &ctx->error);
	return reply_add_header(&ctx->reply, name, value, &ctx->error);
}
