#include "app/precondition.h"

#include "http/etag.h"
#include "http/problem.h"

/* So that the key is claimed before all else, also where GET's handler needs no database. */
static const char claim_alone[] = "SELECT 1";

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

/* A tag that has changed does not protect what is there now: only the star does. */
static bool
is_guarded(const struct np_ctx *ctx)
{
	const char *none = if_none_match(ctx);

	return if_match(ctx) || (none && etag_match(none, NULL, false) == ETAG_ANY);
}

/* Whether its handler can run in the transaction of the route, and would there be asked by the same
 * caller. */
static bool
is_comparable(const struct np_route *get, const struct np_route *route)
{
	if (get->no_store || (get->auth != NP_AUTH_NONE && route->auth == NP_AUTH_NONE))
		return false;
	return get->tx == NP_TX_NONE || (get->tx == NP_TX_READ && route->tx != NP_TX_NONE);
}

/* As a GET of the same path, with the same headers and without a query. */
static bool
decode_get(struct np_ctx *ctx)
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
	       && is_comparable(ctx->get, ctx->route) && decode_get(ctx);
}

bool
precondition_read(struct np_ctx *ctx)
{
	if (strcmp(ctx->route->method, "GET") == 0)
		return true;
	if (ctx->route->precondition && !is_guarded(ctx))
		return np_fail(ctx, NP_PRECONDITION_REQUIRED, "%s", PROBLEM_NEEDS_IF_MATCH);
	if (!if_match(ctx) && !if_none_match(ctx))
		return true;
	return find_get(ctx)
	       || np_fail(
	           ctx, NP_PRECONDITION_FAILED,
	           "This path has no GET that If-Match or If-None-Match could be compared with");
}

enum np_isolation
precondition_isolation(const struct np_ctx *ctx)
{
	enum np_isolation isolation = ctx->route->isolation;

	if (!ctx->get || ctx->get->tx == NP_TX_NONE)
		return isolation;
	if (isolation < NP_REPEATABLE_READ)
		isolation = NP_REPEATABLE_READ;
	return isolation < ctx->get->isolation ? ctx->get->isolation : isolation;
}

/* --- the look --- */

/* What GET answers now. */
struct answer {
	bool exists;
	const char *tag; /* NULL: it has none */
};

/* Runs the handler of GET in place of the route's. */
static bool
handle_get(struct np_ctx *ctx)
{
	const struct np_route *route = ctx->route;
	struct argument *arguments = ctx->arguments;
	const char *caller = ctx->caller;
	bool good;

	ctx->route = ctx->get;
	ctx->arguments = ctx->get_arguments;
	ctx->caller = ctx->get->auth == NP_AUTH_NONE ? NULL : caller;
	ctx->looking = true;
	good = ctx_handle(ctx);
	ctx->looking = false;
	ctx->caller = caller;
	ctx->arguments = arguments;
	ctx->route = route;
	return good;
}

/* Of its failures only a 404 says what is there; others are the request's, or leave it unknown. */
static bool
take_failure(struct np_ctx *ctx)
{
	if (transaction_has_failed(ctx->tx))
		return false;
	switch (ctx->error.kind) {
	case NP_NOT_FOUND:
		ctx->error = (struct error){ .kind = 0 };
		return true;
	case NP_MALFORMED:
	case NP_UNAUTHORIZED:
	case NP_FORBIDDEN:
	case NP_CONFLICT:
	case NP_INVALID:
		return np_fail(
		    ctx, NP_PRECONDITION_FAILED,
		    "A GET of this path fails, so If-Match and If-None-Match cannot be compared");
	default:
		return false;
	}
}

static bool
look(struct np_ctx *ctx, struct answer *answer)
{
	bool good = handle_get(ctx);

	*answer = (struct answer){ .exists = false };
	if (good)
		*answer = (struct answer){ true, etag_of(&ctx->reply) };
	reply_reset(&ctx->reply);
	ctx->replied = false;
	return good || take_failure(ctx);
}

/* --- the verdict --- */

static bool
refuse(struct np_ctx *ctx, const char *why)
{
	return np_fail(ctx, NP_PRECONDITION_FAILED, "%s", why);
}

static bool
check_match(struct np_ctx *ctx, const char *list, const struct answer *answer)
{
	switch (etag_match(list, answer->tag, true)) {
	case ETAG_LISTED:
		return true;
	case ETAG_ANY:
		return answer->exists || refuse(ctx, "If-Match: there is nothing at this path");
	case ETAG_MALFORMED:
		return refuse(ctx, "If-Match must be * or a list of entity tags in quotes");
	case ETAG_NOT_LISTED:
		break;
	}
	/* What nginx makes of ours when it compresses. */
	if (etag_match(list, answer->tag, false) == ETAG_LISTED)
		return refuse(
		    ctx,
		    "If-Match compares strongly: a weak tag never matches, send it without its W/");
	return refuse(ctx, PROBLEM_CHANGED);
}

static bool
check_none_match(struct np_ctx *ctx, const char *list, const struct answer *answer)
{
	switch (etag_match(list, answer->tag, false)) {
	case ETAG_ANY:
		return !answer->exists
		       || refuse(ctx, "If-None-Match: there is something at this path already");
	case ETAG_LISTED:
		return refuse(ctx, "If-None-Match: this is what is at this path");
	case ETAG_MALFORMED:
		return refuse(ctx, "If-None-Match must be * or a list of entity tags in quotes");
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
	struct answer answer;

	if (!ctx->get)
		return true;
	if (ctx->claim.sql
	    && !transaction_query(ctx->tx, claim_alone, NP_NO_VALUES, &ignored, &ctx->error))
		return false;
	if (!look(ctx, &answer))
		return false;
	/* What the look's statements returned is not the request's, and not kept for a repeat. */
	if (ctx->claim.sql)
		claim_reset(&ctx->claim);
	return (!match || check_match(ctx, match, &answer))
	       && (!none || check_none_match(ctx, none, &answer));
}

bool
precondition_may_have_changed(const struct np_ctx *ctx)
{
	return ctx->get && strcmp(ctx->error.sqlstate, "23505") == 0;
}
