#include "app/exchange.h"
#include "app/auth.h"
#include "app/ctx.h"
#include "app/failure.h"
#include "app/idempotency.h"
#include "app/identify.h"
#include "app/page.h"
#include "app/precondition.h"
#include "app/request_log.h"
#include "app/response_cache.h"
#include "app/spans.h"
#include "app/timing.h"
#include "base/mem.h"
#include "db/wait.h"
#include "http/etag.h"
#include "http/json.h"
#include "http/param_row.h"

static struct np_ctx *
new_ctx(void *owner, struct app *app, const struct request *request)
{
	struct np_ctx *ctx = mem_new(owner, struct np_ctx);

	ctx->app = app;
	ctx->request = request;
	trace_read(request_header(request, "traceparent"), &ctx->trace);
	spans_begin(ctx);
	if (app->cache)
		ctx->cache_cost_at_start = cache_cost(app->cache);
	reply_init(&ctx->reply, ctx);
	ctx->reply.without_body = strcmp(request->method, "HEAD") == 0;
	return ctx;
}

/* Finds the route. OPTIONS of a path that has routes is answered here, without one. */
static bool
find_route(struct np_ctx *ctx)
{
	const struct request *request = ctx->request;

	if (!target_parse(ctx, request->target, &ctx->target, &ctx->error))
		return false;
	target_strip(&ctx->target, ctx->app->settings->api_prefix);
	if (!router_find(ctx->app->routes, request->method, &ctx->target, &ctx->route, ctx->allow,
	                 &ctx->error)) {
		if (ctx->error.kind != FAILURE_METHOD || strcmp(request->method, "OPTIONS") != 0)
			return false;
		ctx->error = (struct error){ .kind = 0 };
		if (!np_reply_empty(ctx))
			return false;
		reply_set_header(&ctx->reply, "Allow", ctx->allow);
		return true;
	}
	ctx->app->describe(request->method, ctx->route->path, request->id);
	/* The program has read as much as the route with the largest bodies may get. */
	return request->body_size <= route_body_max(ctx->route)
	       || request_body_too_large(&ctx->error, route_body_max(ctx->route));
}

/* The whole is JSON by now. */
static bool
take_body(struct np_ctx *ctx)
{
	const struct json_member whole = { .json = ctx->request->body,
		                           .size = ctx->request->body_size };

	if (ctx->route->body == NP_BODY_JSON)
		ctx->body_json = json_compact(ctx, &whole);
	return true;
}

static bool
decode_input(struct np_ctx *ctx)
{
	return param_decode(ctx, ctx->route, ctx->request, &ctx->target, &ctx->arguments,
	                    &ctx->faults, &ctx->error)
	       && take_body(ctx) && page_check(ctx) && precondition_read(ctx)
	       && idempotency_read(ctx);
}

static bool
has_arguments(const struct np_ctx *ctx)
{
	if (ctx->body_json || (ctx->route->body == NP_BODY_RAW && ctx->request->body_size > 0))
		return true;
	for (size_t i = 0; i < param_count(ctx->route->params); i++)
		if (ctx->arguments[i].given)
			return true;
	return false;
}

static void
new_transaction(struct np_ctx *ctx)
{
	const struct transaction_options options = {
		.connector = ctx->app->connector,
		/* A standby may lag, and what is cached must not be older than an invalidation. */
		.replica = ctx->cache_found == CACHE_LEASE ? NULL : ctx->app->replica,
		.mode = ctx->route->tx,
		.no_rerun = ctx->route->no_rerun,
		.has_arguments = ctx->arguments && has_arguments(ctx),
		.isolation = precondition_isolation(ctx),
		.deadline = ctx->deadline,
		/* With a key the work goes on without the client: a repeat gets the answer. */
		.client = ctx_has_key(ctx) ? NULL : ctx->request->client,
		.command_timeout_s = ctx->app->settings->database_command_timeout_s,
		.identity = ctx->identity.sql ? &ctx->identity : NULL,
		.keeps_identity = ctx->is_unidentified,
		.guard = idempotency_guard(ctx),
		.endpoint = ctx->app->name,
		.request_id = ctx->request->id,
		.trace_id = ctx->trace.id[0] ? ctx->trace.id : NULL,
		.slow_query_ms = ctx->app->settings->slow_query_ms,
		.listener = ctx->spans ? spans_note : NULL,
		.listener_context = ctx,
		.may_explain = ctx->app->settings->slow_query_explain ? ctx->app->may_explain
		                                                      : NULL,
	};

	ctx->tx = transaction_new(ctx, &options);
}

/* A caller whom the database refuses gets its 401 or 403, not what is wrong with the input. */
static bool
refuse_input(struct np_ctx *ctx)
{
	struct error refused = ctx->error;

	if (!ctx->is_unidentified)
		return false;
	ctx->error = (struct error){ .kind = 0 };
	ctx->idempotency.has_key = false;
	new_transaction(ctx);
	if (identify_confirm(ctx))
		ctx->error = refused;
	else
		ctx->faults = (struct param_faults){ .count = 0 };
	return false;
}

static bool
accept_request(struct np_ctx *ctx)
{
	return auth_check(ctx) && identify_guard(ctx) && (decode_input(ctx) || refuse_input(ctx));
}

static bool
run_route(struct np_ctx *ctx)
{
	bool ok = response_cache_find(ctx);

	if (!ok) {
		new_transaction(ctx);
		ok = attempts_run(ctx);
	}
	response_cache_settle(ctx, ok);
	return ok;
}

static void
add_trace(struct np_ctx *ctx)
{
	char *header;

	if (!ctx->trace.id[0])
		return;
	header = mem_resize(ctx, NULL, TRACE_HEADER_BYTES);
	trace_write(&ctx->trace, header);
	reply_set_header(&ctx->reply, "Traceparent", header);
}

struct np_ctx *
exchange_begin(void *owner, struct app *app, const struct request *request,
               struct deadline deadline)
{
	struct np_ctx *ctx = new_ctx(owner, app, request);

	ctx->deadline = deadline;
	if (!find_route(ctx) || (ctx->route && !(accept_request(ctx) && run_route(ctx))))
		failure_reply(ctx);
	else if (ctx->reply.status < 500)
		/* The handler has dealt with this error. Only a 503 of /health has it as its
		 * reason. */
		ctx->error.kind = 0;
	if (etag_if_match_fails(&ctx->reply, request)) {
		(void)error_set(&ctx->error, FAILURE_PRECONDITION_FAILED,
		                "What is at this path has another ETag");
		failure_reply(ctx);
	}
	if (ctx->route && ctx->route->cache.no_store)
		reply_set_header(&ctx->reply, "Cache-Control", "no-store");
	if (ctx->attempts.state == ATTEMPT_REPLAYED)
		reply_set_header(&ctx->reply, "Idempotency-Replayed", "true");
	etag_apply(&ctx->reply, request);
	add_trace(ctx);
	if (app->settings->server_timing)
		timing_add_header(ctx);
	return ctx;
}

struct np_ctx *
exchange_refuse(void *owner, struct app *app, const struct request *request,
                const struct error *err)
{
	struct np_ctx *ctx = new_ctx(owner, app, request);

	ctx->error = *err;
	failure_reply(ctx);
	add_trace(ctx);
	return ctx;
}

const struct reply *
exchange_reply(const struct np_ctx *ctx)
{
	return &ctx->reply;
}

bool
exchange_goes_on(const struct np_ctx *ctx)
{
	return ctx_goes_on(ctx);
}

bool
exchange_continue(struct np_ctx *ctx)
{
	return stream_next(ctx);
}

bool
exchange_is_abandoned(const struct np_ctx *ctx)
{
	return ctx->error.kind == FAILURE_CLIENT_GONE;
}

void
exchange_end(struct np_ctx *ctx)
{
	int64_t duration_us = clock_now_us() - ctx->request->start_us;
	/* Without the cost of response_cache_fill(), for which nobody waits. */
	const struct cache_cost cache = response_cache_cost(ctx);

	/* Its last part was not sent, and nothing else was in the way. */
	if (ctx_goes_on(ctx) && !ctx->error.kind)
		wait_error_abandoned(&ctx->error);
	if (ctx->tx)
		transaction_drop_stream(ctx->tx);
	response_cache_fill(ctx);
	request_log_write(ctx, duration_us, &cache);
	request_log_record(ctx, duration_us);
	spans_export(ctx, duration_us);
	ctx->app->last_used = ctx->tx ? transaction_source(ctx->tx) : NULL;
	if (ctx->tx)
		transaction_close(ctx->tx);
	mem_free(ctx);
}
