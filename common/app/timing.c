#include "app/timing.h"

#include "app/response_cache.h"
#include "base/mem.h"

#define HEADER_MAX_BYTES 1024

/* Adds name;dur=1.234, in milliseconds. */
static void
add_metric(struct buf *out, const char *name, int64_t us)
{
	buf_printf(out, "%s%s;dur=%.3f", out->size > 0 ? ", " : "", name, (double)us / 1000);
}

static void
add_round_trips(struct buf *out, int round_trips)
{
	buf_printf(out, ";desc=\"%d round trip%s\"", round_trips, round_trips == 1 ? "" : "s");
}

static void
add_connect(struct buf *out, const struct connect_cost *cost)
{
	add_metric(out, "connect", cost->total_us);
	add_round_trips(out, cost->round_trips);
	for (size_t i = 0; i < CONNECT_PHASE__MAX; i++)
		add_metric(out, connect_phase_names[i], cost->phases_us[i]);
}

void
timing_add_header(struct np_ctx *ctx)
{
	const struct cache_cost cache = response_cache_cost(ctx);
	struct transaction_counts counts = { 0 };
	struct buf out;

	buf_init(&out, ctx, HEADER_MAX_BYTES);
	if (ctx->tx)
		counts = transaction_counts(ctx->tx);
	add_metric(&out, "total", clock_now_us() - ctx->request->start_us);
	if (counts.connect.round_trips > 0)
		add_connect(&out, &counts.connect);
	if (counts.flights > 0) {
		add_metric(&out, "db", counts.flights_us);
		add_round_trips(&out, counts.flights);
	}
	if (cache.calls > 0)
		add_metric(&out, "cache", cache.us);
	reply_set_header(&ctx->reply, "Server-Timing", out.data);
}
