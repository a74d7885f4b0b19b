#include "app/request_log.h"

#include "app/request_stats.h"
#include "app/response_cache.h"
#include "base/log.h"

static enum log_level
level_of(int status, bool is_slow)
{
	if (status == 500)
		return LOG_ERROR;
	return status > 500 || is_slow ? LOG_WARNING : LOG_INFO;
}

static void
log_connect(struct log_line *line, const struct connect_cost *cost)
{
	char name[32];

	log_int(line, "connect_trips", cost->round_trips);
	log_ms(line, "connect_ms", cost->total_us);
	for (size_t i = 0; i < CONNECT_PHASE__MAX; i++) {
		(void)snprintf(name, sizeof(name), "%s_ms", connect_phase_names[i]);
		log_ms(line, name, cost->phases_us[i]);
	}
}

/* Counts the flights until the reply: the client did not wait for those that end later. */
static void
log_database(struct log_line *line, const struct np_ctx *ctx)
{
	struct transaction_counts counts = transaction_counts(ctx->tx);

	if (counts.connect.total_us == 0 && counts.flights == 0)
		return;
	log_string(line, "mode", connection_names[ctx->app->settings->database_connection]);
	if (counts.on_replica)
		log_bool(line, "on_replica", true);
	if (counts.backend_pid != 0)
		log_int(line, "backend_pid", counts.backend_pid);
	log_int(line, "trips", counts.connect.round_trips + counts.flights);
	if (counts.connect.round_trips > 0)
		log_connect(line, &counts.connect);
	log_int(line, "flights", counts.flights);
	log_ms(line, "flights_ms", counts.flights_us);
	log_int(line, "queries", counts.queries);
	log_int(line, "rows", counts.rows);
	if (counts.retries > 0)
		log_int(line, "retries", counts.retries);
	if (counts.reruns > 0)
		log_int(line, "reruns", counts.reruns);
	log_string(line, "outcome", request_outcome_names[attempts_outcome(ctx)]);
}

static void
log_cache(struct log_line *line, const struct np_ctx *ctx, const struct cache_cost *cost)
{
	log_string(line, "cache", response_cache_status(ctx));
	if (cost->calls == 0)
		return;
	log_int(line, "cache_calls", cost->calls);
	log_ms(line, "cache_ms", cost->us);
}

static void
log_error(struct log_line *line, const struct error *err)
{
	log_string(line, "error", err->message);
	log_string(line, "sqlstate", *err->sqlstate ? err->sqlstate : NULL);
	log_string(line, "detail", *err->detail ? err->detail : NULL);
}

void
request_log_write(const struct np_ctx *ctx, int64_t duration_us, const struct cache_cost *cache)
{
	int64_t slow_ms = ctx->app->settings->slow_request_ms;
	bool is_slow = slow_ms > 0 && duration_us >= slow_ms * 1000;
	struct log_line line;

	log_begin(&line,
	          level_of(ctx->reply.status,
	                   is_slow || (ctx_goes_on(ctx) && ctx->error.kind != FAILURE_CLIENT_GONE)),
	          "request");
	log_string(&line, "request_id", ctx->request->id);
	if (ctx->trace.id[0]) {
		log_string(&line, "trace_id", ctx->trace.id);
		log_string(&line, "span_id", ctx->trace.span);
	}
	log_string(&line, "method", ctx->request->method);
	/* The template: the path itself may hold what must not be in a log. */
	log_string(&line, "route", ctx->route ? ctx->route->path : NULL);
	log_int(&line, "status", ctx->reply.status);
	log_ms(&line, "duration_ms", duration_us);
	if (is_slow)
		log_bool(&line, "slow", true);
	if (ctx->request->queue_ms >= 0)
		log_int(&line, "queue_ms", ctx->request->queue_ms);
	log_int(&line, "bytes", (int64_t)(ctx->parts_bytes + ctx->reply.body.size));
	if (ctx_goes_on(ctx))
		log_bool(&line, "broken_off", true);
	log_cache(&line, ctx, cache);
	if (ctx->fetches > 0) {
		log_int(&line, "fetches", ctx->fetches);
		log_ms(&line, "fetches_ms", ctx->fetches_us);
	}
	if (ctx->tx)
		log_database(&line, ctx);
	if (ctx->error.kind)
		log_error(&line, &ctx->error);
	log_end(&line);
}

void
request_log_record(const struct np_ctx *ctx, int64_t duration_us)
{
	struct transaction_counts counts;
	struct request_stats stats = {
		.route = ctx->route,
		.status = ctx->reply.status,
		.duration_us = duration_us,
		.queue_ms = ctx->request->queue_ms,
		.cached = ctx->cache_key != NULL,
		.cache_found = ctx->cache_found,
	};

	if (ctx->tx) {
		counts = transaction_counts(ctx->tx);
		stats.counts = &counts;
		stats.outcome = attempts_outcome(ctx);
	}
	ctx->app->record_request(ctx->app, &stats);
}
