#include <assert.h>
#include <inttypes.h>

#include "app/auth.h"
#include "app/failure.h"
#include "app/value_json.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/oauth2_error.h"
#include "http/problem.h"

static const struct {
	int status;
	int retry_after_s; /* 0: no Retry-After */
} table[FAILURE_COUNT] = {
	[FAILURE_MALFORMED] = { 400, 0 },
	[FAILURE_NOT_FOUND] = { 404, 0 },
	[FAILURE_METHOD] = { 405, 0 },
	[FAILURE_UNAUTHORIZED] = { 401, 0 },
	[FAILURE_FORBIDDEN] = { 403, 0 },
	[FAILURE_CONFLICT] = { 409, 0 },
	[FAILURE_TOO_LARGE] = { 413, 0 },
	[FAILURE_MEDIA_TYPE] = { 415, 0 },
	[FAILURE_INVALID] = { 422, 0 },
	[FAILURE_TOO_MANY] = { 429, 1 },
	[FAILURE_INTERNAL] = { 500, 0 },
	[FAILURE_UNAVAILABLE] = { 503, 2 },
	[FAILURE_TIMEOUT] = { 504, 0 },
	[FAILURE_CLIENT_GONE] = { 499, 0 }, /* as nginx logs it */
	[FAILURE_AMBIGUOUS] = { 503, 0 },   /* a repeat may do it twice */
	[FAILURE_PRECONDITION_FAILED] = { 412, 0 },
	[FAILURE_PRECONDITION_REQUIRED] = { 428, 0 },
};

int
failure_status(enum failure kind)
{
	assert(kind > 0 && kind < FAILURE_COUNT);
	return table[kind].status;
}

static int
status_of(const struct error *err)
{
	return err->status ? err->status : failure_status(err->kind);
}

/* A client that has not signed in may be allowed once it has: a right that is missing is a 401. */
static void
adjust_kind(struct np_ctx *ctx)
{
	struct error *err = &ctx->error;

	if (strcmp(err->sqlstate, "42501") == 0 && err->kind == FAILURE_FORBIDDEN && !ctx->caller
	    && !ctx->identity.sql)
		err->kind = FAILURE_UNAUTHORIZED;
}

static void
add_retry_after(struct np_ctx *ctx)
{
	const struct error *err = &ctx->error;
	int64_t seconds = err->retry_after_s ? err->retry_after_s : table[err->kind].retry_after_s;

	/* np_retry_after() is ignored for a kind without Retry-After: waiting does not mend a 409.
	 */
	if (ctx->retry_after_s > 0 && table[err->kind].retry_after_s > 0)
		seconds = ctx->retry_after_s;
	if (seconds > 0)
		reply_set_header(&ctx->reply, "Retry-After", mem_printf(ctx, "%" PRId64, seconds));
}

/* Returns what the client may read, in the route's own words if it has some; NULL: nothing. */
static const char *
public_detail(const struct np_ctx *ctx)
{
	const struct error *err = &ctx->error;
	const struct np_conflicts *conflicts;

	if (err->kind == FAILURE_INTERNAL)
		return NULL;
	/* Only a constraint (class 23) is the route's own conflict; 40001 and 40P01 are conflicts
	 * between transactions. */
	if (strncmp(err->sqlstate, "23", 2) != 0 || !ctx->route)
		return err->message;
	conflicts = ctx->route->errors.conflicts;
	for (size_t i = 0; conflicts && i < conflicts->count; i++)
		if (strcmp(conflicts->items[i].constraint, err->constraint) == 0)
			return conflicts->items[i].detail;
	return err->kind == FAILURE_CONFLICT && ctx->route->errors.conflict
	           ? ctx->route->errors.conflict
	           : err->message;
}

/* RFC 6750 3: a reason is given only if the request had a token. */
static void
challenge(struct np_ctx *ctx)
{
	const char *value = NULL;

	if (auth_lacks_scope(ctx))
		value = mem_printf(ctx, "Bearer error=\"insufficient_scope\", scope=\"%s\"",
		                   ctx->route->require);
	else if (ctx->error.kind == FAILURE_UNAUTHORIZED && ctx->route
	         && ctx->route->auth == NP_AUTH_KEY)
		value = "ApiKey header=\"X-API-Key\"";
	else if (ctx->error.kind == FAILURE_UNAUTHORIZED)
		value = request_header(ctx->request, "authorization")
		            ? "Bearer error=\"invalid_token\""
		            : "Bearer";
	if (value)
		reply_set_header(&ctx->reply, "WWW-Authenticate", value);
}

static void
begin_own_body(struct np_ctx *ctx)
{
	reply_reset(&ctx->reply);
	ctx->reply.status = status_of(&ctx->error);
}

/* What a program makes of a failure has to be JSON; else it is a problem document. */
static bool
write_as(struct np_ctx *ctx, const struct np_failure *failure)
{
	struct np_value value = ctx->route->errors.as(ctx, failure);

	begin_own_body(ctx);
	value_json(&ctx->reply.body, value);
	if (value.present && value_is_json(&value) && !ctx->reply.body.overflow)
		return true;
	log_printf(LOG_ERROR, "errors.as failed", "%s %s", ctx->route->method, ctx->route->path);
	return false;
}

static bool
write_own(struct np_ctx *ctx)
{
	const struct np_failure failure = {
		.status = status_of(&ctx->error),
		.detail = public_detail(ctx),
		.faults = ctx->faults.items,
		.faults_count = ctx->faults.count,
		.request_id = ctx->request->id,
		.outcome_unknown = ctx->error.kind == FAILURE_AMBIGUOUS,
	};

	/* A failure that came later has another status, and the handler's words are not for it. */
	if (!ctx->own_failure || ctx->error.status != ctx->own_status)
		return ctx->route && ctx->route->errors.as && write_as(ctx, &failure);
	begin_own_body(ctx);
	buf_text(&ctx->reply.body, ctx->own_failure);
	return true;
}

static void
add_headers(struct np_ctx *ctx)
{
	const struct error *err = &ctx->error;

	if (err->kind == FAILURE_METHOD)
		reply_set_header(&ctx->reply, "Allow", ctx->allow);
	/* RFC 9110 15.5.16: says that the content coding was the reason, and which one is accepted.
	 */
	if (err->kind == FAILURE_MEDIA_TYPE && request_is_encoded(ctx->request))
		reply_set_header(&ctx->reply, "Accept-Encoding", "identity");
	challenge(ctx);
}

static void
write_problem(struct np_ctx *ctx)
{
	const struct error *err = &ctx->error;
	const struct problem problem = {
		.status = status_of(err),
		.detail = public_detail(ctx),
		.request_id = ctx->request->id,
		.faults = &ctx->faults,
		.outcome_unknown = err->kind == FAILURE_AMBIGUOUS,
	};

	problem_write(&ctx->reply, &problem);
}

void
failure_reply(struct np_ctx *ctx)
{
	const struct error *err = &ctx->error;
	bool oauth2 = ctx->route && ctx->route->errors.format == NP_ERROR_FORMAT_OAUTH2, own;

	adjust_kind(ctx);
	own = write_own(ctx);
	if (!own) {
		if (oauth2)
			oauth2_error_write(&ctx->reply, err->kind, status_of(err),
			                   public_detail(ctx), &ctx->faults);
		else
			write_problem(ctx);
	}
	if (own || !oauth2)
		add_headers(ctx);
	add_retry_after(ctx);
}
