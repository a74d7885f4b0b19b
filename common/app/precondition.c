#include "app/precondition.h"

#include "app/auth.h"
#include "app/identify.h"
#include "http/etag.h"
#include "http/problem.h"

/* Carries the guard of the key, which comes first also if the handler of GET needs no database. */
static const char guard_alone[] = "SELECT 1";

/* --- the headers --- */

static const char *
if_match(const struct np_ctx *ctx)
{
	return request_header(ctx->request, "if-match");
}

static const char *
if_none_match(const struct np_ctx *ctx)
{
	return request_header(ctx->request, "if-none-match");
}

/* Returns true if the request cannot overwrite what its client has not seen. If-None-Match does
 * that only with a star: a list of tags holds for every state except those. */
static bool
protects_current_state(const struct np_ctx *ctx)
{
	const char *none = if_none_match(ctx);

	return if_match(ctx) || (none && etag_match(none, NULL, false) == ETAG_ANY);
}

/* Returns true if the handler of `get` can run in the transaction of `route`, and for the same
 * caller. */
static bool
is_comparable(const struct np_ctx *ctx, const struct np_route *get, const struct np_route *route)
{
	if (get->cache.no_store || !auth_allows(ctx, get))
		return false;
	return get->tx == NP_TX_NONE || (get->tx == NP_TX_READ && route->tx != NP_TX_NONE);
}

/* Decodes the arguments of a GET of the same path, with the same headers and without a query. */
static bool
decode_get_arguments(struct np_ctx *ctx)
{
	struct request request = *ctx->request;
	struct target target = ctx->target;
	struct param_faults faults;
	struct error ignored;

	request.method = "GET";
	request.body = "";
	request.body_size = 0;
	target.query_count = 0;
	return param_decode(ctx, ctx->get, &request, &target, &ctx->get_arguments, &faults,
	                    &ignored);
}

static bool
find_get(struct np_ctx *ctx)
{
	char allow[ROUTER_ALLOW_BYTES];
	struct error ignored;

	return router_find(ctx->app->routes, "GET", &ctx->target, &ctx->get, allow, &ignored)
	       && is_comparable(ctx, ctx->get, ctx->route) && decode_get_arguments(ctx);
}

bool
precondition_read(struct np_ctx *ctx)
{
	if (strcmp(ctx->route->method, "GET") == 0)
		return true;
	if (ctx->route->precondition && !protects_current_state(ctx))
		return error_set(&ctx->error, FAILURE_PRECONDITION_REQUIRED, "%s",
		                 PROBLEM_NEEDS_IF_MATCH);
	if (!if_match(ctx) && !if_none_match(ctx))
		return true;
	return find_get(ctx)
	       || np_fail(
	           ctx, NP_ERROR_PRECONDITION_FAILED,
	           "This path has no GET that If-Match or If-None-Match could be compared with");
}

enum np_isolation
precondition_isolation(const struct np_ctx *ctx)
{
	enum np_isolation isolation = ctx->route->isolation;

	if (!ctx->get || ctx->get->tx == NP_TX_NONE)
		return isolation;
	if (isolation < NP_ISOLATION_REPEATABLE_READ)
		isolation = NP_ISOLATION_REPEATABLE_READ;
	return isolation < ctx->get->isolation ? ctx->get->isolation : isolation;
}

/* --- the current state --- */

/* What GET answers now. */
struct current {
	bool exists;
	const char *tag; /* NULL: the answer has no tag */
};

/* Runs the handler of GET, with its route, arguments and caller in place of the write's. */
static bool
run_get_handler(struct np_ctx *ctx)
{
	const struct np_route *route = ctx->route;
	struct argument *arguments = ctx->arguments;
	const char *caller = ctx->caller, *scopes = ctx->scopes;
	bool succeeded;

	ctx->route = ctx->get;
	ctx->arguments = ctx->get_arguments;
	if (ctx->get->auth == NP_AUTH_NONE && !ctx->get->guard)
		ctx->caller = ctx->scopes = NULL;
	succeeded = ctx_handle(ctx);
	ctx->caller = caller;
	ctx->scopes = scopes;
	ctx->arguments = arguments;
	ctx->route = route;
	return succeeded;
}

/* A 404 of GET says that nothing is there. Other failures leave that unknown. */
static bool
accept_get_failure(struct np_ctx *ctx)
{
	if (transaction_has_failed(ctx->tx))
		return false;
	switch (ctx->error.kind) {
	case FAILURE_NOT_FOUND:
		ctx->error = (struct error){ .kind = 0 };
		return true;
	case FAILURE_MALFORMED:
	case FAILURE_UNAUTHORIZED:
	case FAILURE_FORBIDDEN:
	case FAILURE_CONFLICT:
	case FAILURE_INVALID:
		return np_fail(
		    ctx, NP_ERROR_PRECONDITION_FAILED,
		    "A GET of this path fails, so If-Match and If-None-Match cannot be compared");
	default:
		return false;
	}
}

static bool
read_current(struct np_ctx *ctx, struct current *current)
{
	bool succeeded = run_get_handler(ctx);

	*current = (struct current){ .exists = false };
	if (succeeded)
		*current = (struct current){ true, etag_of(&ctx->reply) };
	reply_reset(&ctx->reply);
	ctx->replied = false;
	return succeeded || accept_get_failure(ctx);
}

/* --- the comparison --- */

static bool
fail_precondition(struct np_ctx *ctx, const char *why)
{
	return np_fail(ctx, NP_ERROR_PRECONDITION_FAILED, "%s", why);
}

static bool
check_if_match(struct np_ctx *ctx, const char *list, const struct current *current)
{
	switch (etag_match(list, current->tag, true)) {
	case ETAG_LISTED:
		return true;
	case ETAG_ANY:
		return current->exists
		       || fail_precondition(ctx, "If-Match: there is nothing at this path");
	case ETAG_MALFORMED:
		return fail_precondition(ctx,
		                         "If-Match must be * or a list of entity tags in quotes");
	case ETAG_NOT_LISTED:
		break;
	}
	/* nginx weakens our tags when it compresses. */
	if (etag_match(list, current->tag, false) == ETAG_LISTED)
		return fail_precondition(ctx,
		                         "If-Match compares strongly: a weak tag never matches;"
		                         " send it without its W/");
	return fail_precondition(ctx, PROBLEM_CHANGED);
}

static bool
check_if_none_match(struct np_ctx *ctx, const char *list, const struct current *current)
{
	switch (etag_match(list, current->tag, false)) {
	case ETAG_ANY:
		return !current->exists
		       || fail_precondition(
		           ctx, "If-None-Match: there is something at this path already");
	case ETAG_LISTED:
		return fail_precondition(ctx, "If-None-Match: this is what is at this path");
	case ETAG_MALFORMED:
		return fail_precondition(
		    ctx, "If-None-Match must be * or a list of entity tags in quotes");
	case ETAG_NOT_LISTED:
		break;
	}
	return true;
}

bool
precondition_check(struct np_ctx *ctx)
{
	const char *match = if_match(ctx), *none = if_none_match(ctx);
	struct np_rows *ignored;
	struct current current;

	if (!ctx->get)
		return true;
	if (ctx_has_key(ctx)
	    && !transaction_query(ctx->tx, guard_alone, NO_VALUES, &ignored, &ctx->error))
		return false;
	if (!identify_caller(ctx))
		return false;
	if (ctx->get->require && !np_has_scope(ctx, ctx->get->require))
		return fail_precondition(ctx, "The caller may not GET this path");
	if (!read_current(ctx, &current))
		return false;
	return (!match || check_if_match(ctx, match, &current))
	       && (!none || check_if_none_match(ctx, none, &current));
}

bool
precondition_may_have_changed(const struct np_ctx *ctx)
{
	return ctx->get && strcmp(ctx->error.sqlstate, "23505") == 0;
}
