/* health.c - the handlers of /health, /health/live and /health/ready
 *
 * A database that is down is the answer of /health: a reply with status 503, not a failure of the
 * handler.
 */
#include <inttypes.h>

#include "app/ctx.h"
#include "base/mem.h"

#define HEALTHY   "healthy"
#define UNHEALTHY "unhealthy"

static const struct transaction_statement health_probe = { .sql = "SELECT 1 AS one",
	                                                   .name = "health_probe" };

struct health {
	bool database_up;
	int64_t latency_us;
	const char *tls; /* version; NULL: not encrypted */
	bool redis_up;
};

static const char *
redis_status(const struct np_ctx *ctx, const struct health *health)
{
	if (!ctx->app->cache)
		return "disabled";
	return health->redis_up ? "connected" : "disconnected";
}

static void
check_services(struct np_ctx *ctx, struct health *health)
{
	int64_t start_us = clock_now_us();
	const struct connection *connection;
	struct np_rows *rows;

	/* The primary is what counts: without the replica, reads go there too. */
	transaction_avoid_replica(ctx->tx);
	if (ctx_run(ctx, &health_probe, false, &rows) && np_rows_count(rows) == 1)
		health->database_up = np_field(rows, 0, "one").integer == 1;
	health->latency_us = clock_now_us() - start_us;
	connection = transaction_connection(ctx->tx);
	if (health->database_up && connection) {
		const char *tls = connection_tls(connection);

		health->tls = tls ? mem_strdup(ctx, tls) : NULL;
	}
	if (ctx->app->cache)
		health->redis_up = cache_ping(ctx->app->cache, ctx->deadline);
}

static void
write_details(struct buf *out, const struct np_ctx *ctx, const struct health *health)
{
	struct app_pool pool = ctx->app->pool();

	buf_text(out,
	         ",\"components\":{\"api\":{\"status\":\"operational\"},\"database\":{\"status\":");
	buf_json_text(out, health->database_up ? HEALTHY : UNHEALTHY);
	buf_printf(out, ",\"mode\":\"%s\",\"latency_ms\":%.3f,\"tls\":",
	           connection_names[ctx->app->settings->database_connection],
	           (double)health->latency_us / 1000);
	if (health->tls)
		buf_json_text(out, health->tls);
	else
		buf_text(out, "null");
	buf_printf(out,
	           ",\"pool_size\":%" PRId64 ",\"pool_overflow\":%" PRId64
	           ",\"pool_checked_out\":%" PRId64 "}",
	           pool.size, pool.overflow, pool.checked_out);
	buf_printf(out, ",\"redis\":{\"status\":\"%s\"}}", redis_status(ctx, health));
}

bool
np_health(struct np_ctx *ctx)
{
	const struct settings *settings = ctx->app->settings;
	struct health health = { .database_up = false };
	struct buf *out = &ctx->reply.body;
	bool is_healthy;

	check_services(ctx, &health);
	is_healthy = health.database_up && (!ctx->app->cache || health.redis_up);
	ctx_begin_reply(ctx, REPLY_JSON);
	buf_printf(out, "{\"status\":\"%s\",\"service\":", is_healthy ? HEALTHY : UNHEALTHY);
	buf_json_text(out, settings->app_name);
	buf_printf(out, ",\"version\":\"%s\",\"environment\":\"%s\",\"api\":\"operational\"",
	           NP_VERSION, environment_names[settings->env]);
	buf_printf(out, ",\"database\":\"%s\",\"redis\":\"%s\"",
	           health.database_up ? "connected" : "disconnected", redis_status(ctx, &health));
	if (settings->health_details)
		write_details(out, ctx, &health);
	buf_char(out, '}');
	ctx->reply.status = is_healthy ? 200 : 503;
	ctx->replied = true;
	return true;
}

bool
np_health_live(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "status", np_text("alive") }));
}

bool
np_health_ready(struct np_ctx *ctx)
{
	/* A program with invalid settings does not start, and a draining worker accepts no request,
	 * so a process that gets here is ready. */
	return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "status", np_text("ready") }));
}
