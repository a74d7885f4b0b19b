#include "observe/counters.h"

#include "base/clock.h"
#include "base/sink.h"
#include "observe/scoreboard.h"

#define EXPLAIN_EVERY_US INT64_C(60000000)

static void
add_to(atomic_ullong *counter, int64_t more)
{
	if (more > 0)
		atomic_fetch_add(counter, (unsigned long long)more);
}

static void
count_transaction(const struct request_stats *stats)
{
	const struct transaction_counts *counts = stats->counts;

	add_to(&board->flights, counts->flights);
	add_to(&board->queries, counts->queries);
	add_to(&board->query_retries, counts->retries);
	add_to(&board->transaction_reruns, counts->reruns);
	add_to(&board->transactions[stats->outcome], 1);
	add_to(&board->connects, counts->connect.round_trips > 0);
	for (size_t i = 0; i < CONNECT_PHASE__MAX; i++)
		add_to(&board->connect_us[i], counts->connect.phases_us[i]);
}

bool
counters_may_explain(void)
{
	int64_t now_us = clock_now_us();
	long long next_us = atomic_load(&board->next_explain_us);

	return now_us >= next_us
	       && atomic_compare_exchange_strong(&board->next_explain_us, &next_us,
	                                         now_us + EXPLAIN_EVERY_US);
}

/* The process's own counters at the last flush. */
static struct connector_totals flushed;
static uint64_t flushed_dropped;

void
counters_flush_dropped_lines(void)
{
	uint64_t now = sink_dropped();

	add_to(&board->log_lines_dropped, (int64_t)(now - flushed_dropped));
	flushed_dropped = now;
}

bool
counters_are_pending(const struct app *app)
{
	struct connector_totals now = app_totals(app);

	return memcmp(&now, &flushed, sizeof(now)) != 0 || sink_dropped() != flushed_dropped;
}

void
counters_flush(const struct app *app)
{
	struct connector_totals now = app_totals(app);

	add_to(&board->connections_opened, (int64_t)(now.opened - flushed.opened));
	add_to(&board->ahead_hits, (int64_t)(now.ahead_used - flushed.ahead_used));
	add_to(&board->ahead_wasted, (int64_t)(now.ahead_wasted - flushed.ahead_wasted));
	for (size_t i = 0; i < CONNECT_FAILURE__MAX; i++)
		add_to(&board->connection_failures[i],
		       (int64_t)(now.failed[i] - flushed.failed[i]));
	flushed = now;
	counters_flush_dropped_lines();
}

void
counters_record_request(const struct app *app, const struct request_stats *stats)
{
	scoreboard_count_request(stats->route ? stats->route - app->routes->items : -1,
	                         stats->status, stats->duration_us);
	if (stats->queue_ms >= 0)
		histogram_add(&board->queue_wait, stats->queue_ms * 1000);
	if (stats->counts)
		count_transaction(stats);
	if (stats->cached)
		add_to(&board->cache_requests[stats->cache_found], 1);
}
