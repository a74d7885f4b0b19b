#include "observe/metrics.h"

#include <inttypes.h>

#include "app/ctx.h"
#include "base/mem.h"

#define CONTENT_TYPE_TEXT        "text/plain; version=0.0.4; charset=utf-8"
#define CONTENT_TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

static const char *run_dir;

void
metrics_set_directory(const char *directory)
{
	run_dir = directory;
}

struct writer {
	struct buf *out;
	const struct scoreboard *const *boards;
	size_t count;
	const struct board_refusal *refused;
	size_t refused_count;
	bool openmetrics;
};

/* --- lines --- */

/* In OpenMetrics the family of a counter is called without the _total of its samples. */
static void
write_family(const struct writer *writer, const char *name, const char *type, const char *help)
{
	size_t size = strlen(name), suffix = strlen("_total");

	if (writer->openmetrics && strcmp(type, "counter") == 0 && size > suffix)
		size -= suffix;
	buf_printf(writer->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)size, name, help,
	           (int)size, name, type);
}

/* Backslash, quote and line feed are escaped, as the formats want it. */
static void
write_label(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s%s=\"", out->data[out->size - 1] == '{' ? "" : ",", name);
	for (; *value; value++) {
		if (*value == '\n') {
			buf_text(out, "\\n");
			continue;
		}
		if (*value == '"' || *value == '\\')
			buf_char(out, '\\');
		buf_char(out, *value);
	}
	buf_char(out, '"');
}

/* Writes name{endpoint="…"; the caller adds labels, and ends with end_sample() or end_seconds(). */
static void
begin_sample(const struct writer *writer, const char *name, const char *suffix,
             const struct scoreboard *of)
{
	buf_printf(writer->out, "%s%s{", name, suffix);
	write_label(writer->out, "endpoint", of->name);
}

static void
end_sample(const struct writer *writer, unsigned long long value)
{
	buf_printf(writer->out, "} %llu\n", value);
}

static void
end_seconds(const struct writer *writer, unsigned long long us)
{
	buf_printf(writer->out, "} %llu.%06llu\n", us / 1000000, us % 1000000);
}

/* route may be NULL. */
static void
write_route_labels(const struct writer *writer, const struct route_counts *route)
{
	if (!route)
		return;
	write_label(writer->out, "method", route->method);
	write_label(writer->out, "route", route->path);
}

static void
write_histogram(const struct writer *writer, const char *name, const struct scoreboard *of,
                const struct route_counts *route, const struct histogram *histogram)
{
	unsigned long long sum = 0;

	for (size_t i = 0; i <= SCOREBOARD_BOUNDS + 1; i++) {
		begin_sample(writer, name, i <= SCOREBOARD_BOUNDS ? "_bucket" : "_count", of);
		write_route_labels(writer, route);
		if (i <= SCOREBOARD_BOUNDS)
			sum += atomic_load(&histogram->buckets[i]);
		if (i < SCOREBOARD_BOUNDS)
			buf_printf(writer->out, ",le=\"%g\"",
			           (double)scoreboard_bounds_us[i] / 1000000);
		else if (i == SCOREBOARD_BOUNDS)
			buf_text(writer->out, ",le=\"+Inf\"");
		end_sample(writer, sum);
	}
	begin_sample(writer, name, "_sum", of);
	write_route_labels(writer, route);
	end_seconds(writer, atomic_load(&histogram->sum_us));
}

/* --- families --- */

static bool
has_requests(const struct route_counts *route)
{
	for (size_t i = 0; i < SCOREBOARD_STATUSES; i++)
		if (atomic_load(&route->by_status[i]) > 0)
			return true;
	return false;
}

static void
write_route_requests(const struct writer *writer, const char *name, const struct scoreboard *of,
                     const struct route_counts *route)
{
	char other[] = "other", code[8];

	for (size_t i = 0; i < SCOREBOARD_STATUSES; i++) {
		unsigned long long value = atomic_load(&route->by_status[i]);

		if (value == 0)
			continue;
		(void)snprintf(code, sizeof(code), "%d", scoreboard_statuses[i]);
		begin_sample(writer, name, "", of);
		write_route_labels(writer, route);
		write_label(writer->out, "code", i == 0 ? other : code);
		end_sample(writer, value);
	}
}

static void
write_requests(const struct writer *writer)
{
	static const char requests[] = "nullpool_requests_total",
	                  durations[] = "nullpool_request_duration_seconds",
	                  queue[] = "nullpool_queue_wait_seconds";

	write_family(writer, requests, "counter", "Requests answered, by route and status.");
	for (size_t i = 0; i < writer->count; i++)
		for (uint32_t r = 0; r < writer->boards[i]->route_count; r++)
			write_route_requests(writer, requests, writer->boards[i],
			                     &scoreboard_routes(writer->boards[i])[r]);
	write_family(writer, durations, "histogram",
	             "From the first byte of a request to its log line.");
	for (size_t i = 0; i < writer->count; i++)
		for (uint32_t r = 0; r < writer->boards[i]->route_count; r++) {
			const struct route_counts *route = &scoreboard_routes(writer->boards[i])[r];

			if (has_requests(route))
				write_histogram(writer, durations, writer->boards[i], route,
				                &route->duration);
		}
	write_family(writer, queue, "histogram", "How long requests waited for a worker.");
	for (size_t i = 0; i < writer->count; i++)
		write_histogram(writer, queue, writer->boards[i], NULL,
		                &writer->boards[i]->queue_wait);
}

static void
write_workers(const struct writer *writer)
{
	static const char *const states[SLOT__MAX] = {
		[SLOT_STARTING] = "starting", [SLOT_IDLE] = "idle", [SLOT_BUSY] = "busy"
	};
	static const char name[] = "nullpool_workers";

	write_family(writer, name, "gauge", "Workers, by state.");
	for (size_t i = 0; i < writer->count; i++)
		for (int state = SLOT_STARTING; state < SLOT__MAX; state++) {
			begin_sample(writer, name, "", writer->boards[i]);
			write_label(writer->out, "state", states[state]);
			end_sample(writer,
			           scoreboard_count_of(writer->boards[i], (enum slot_state)state));
		}
}

/* The values of gauges. */
static unsigned long long
up_of(const struct scoreboard *of)
{
	return board_is_alive(of);
}

static unsigned long long
size_of(const struct scoreboard *of)
{
	return (unsigned long long)of->pool_size;
}

static unsigned long long
max_overflow_of(const struct scoreboard *of)
{
	return (unsigned long long)of->max_overflow;
}

static unsigned long long
overflow_of(const struct scoreboard *of)
{
	return scoreboard_overflow_of(of);
}

static unsigned long long
checked_out_of(const struct scoreboard *of)
{
	return scoreboard_count_of(of, SLOT_BUSY);
}

static void
write_gauges(const struct writer *writer)
{
	static const struct {
		const char *name, *help;
		unsigned long long (*value)(const struct scoreboard *of);
	} rows[] = {
		{ "nullpool_up", "Whether the endpoint's master is alive.", up_of },
		{ "nullpool_pool_size", "Permanent workers (DATABASE_POOL_SIZE).", size_of },
		{ "nullpool_pool_max_overflow", "Workers more on demand (DATABASE_MAX_OVERFLOW).",
		  max_overflow_of },
		{ "nullpool_pool_overflow", "Workers beyond the permanent ones.", overflow_of },
		{ "nullpool_pool_checked_out", "Workers that are answering a request.",
		  checked_out_of },
	};

	for (size_t row = 0; row < COUNT_OF(rows); row++) {
		write_family(writer, rows[row].name, "gauge", rows[row].help);
		for (size_t i = 0; i < writer->count; i++) {
			begin_sample(writer, rows[row].name, "", writer->boards[i]);
			end_sample(writer, rows[row].value(writer->boards[i]));
		}
	}
}

/* Refused scoreboards have no other metric: what they contain is not trusted. */
static void
write_refused(const struct writer *writer)
{
	static const char name[] = "nullpool_scoreboard_refused";

	write_family(writer, name, "gauge",
	             "Scoreboards that were left out because their contents are invalid.");
	for (size_t i = 0; i < writer->count; i++) {
		begin_sample(writer, name, "", writer->boards[i]);
		end_sample(writer, 0);
	}
	for (size_t i = 0; i < writer->refused_count; i++) {
		buf_printf(writer->out, "%s{", name);
		write_label(writer->out, "endpoint", writer->refused[i].name);
		write_label(writer->out, "reason", writer->refused[i].reason);
		end_sample(writer, 1);
	}
}

#define AT(member) offsetof(struct scoreboard, member)

static unsigned long long
counter_at(const struct scoreboard *of, size_t offset)
{
	return atomic_load((const atomic_ullong *)(const void *)((const char *)of + offset));
}

static void
write_counters(const struct writer *writer)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} rows[] = {
		{ "nullpool_worker_forks_total", "Workers forked.", AT(worker_forks) },
		{ "nullpool_worker_crashes_total", "Workers that died.", AT(worker_crashes) },
		{ "nullpool_worker_kills_total",
		  "Workers killed: past their deadline, or idle and accepting no connection.",
		  AT(worker_kills) },
		{ "nullpool_pool_timeouts_total",
		  "Requests that waited longer than DATABASE_POOL_TIMEOUT.", AT(pool_timeouts) },
		{ "nullpool_clients_gone_total",
		  "Requests whose client left before the answer, or during a stream.",
		  AT(clients_gone) },
		{ "nullpool_replies_broken_off_total",
		  "Streams that failed after a part of them had been sent.",
		  AT(replies_broken_off) },
		{ "nullpool_connections_opened_total", "Connections opened to the database.",
		  AT(connections_opened) },
		{ "nullpool_connects_total", "Requests that waited for a connection to open.",
		  AT(connects) },
		{ "nullpool_ahead_hits_total", "Connections opened ahead that a request used.",
		  AT(ahead_hits) },
		{ "nullpool_ahead_wasted_total", "Connections opened ahead that went unused.",
		  AT(ahead_wasted) },
		{ "nullpool_flights_total",
		  "Round trips to the database, without those of connecting.", AT(flights) },
		{ "nullpool_queries_total", "Statements run by handlers.", AT(queries) },
		{ "nullpool_query_retries_total", "First flights sent again on a fresh connection.",
		  AT(query_retries) },
		{ "nullpool_transaction_reruns_total",
		  "Handlers run again because another transaction was in the way.",
		  AT(transaction_reruns) },
		{ "nullpool_spans_sent_total", "Spans that the collector accepted.",
		  AT(spans_sent) },
		{ "nullpool_spans_failed_total",
		  "Spans that could not be delivered to the collector.", AT(spans_failed) },
		{ "nullpool_traces_dropped_total",
		  "Requests whose spans were dropped because the exporter was behind.",
		  AT(traces_dropped) },
		{ "nullpool_log_lines_dropped_total",
		  "Log lines dropped because nobody read them in time.", AT(log_lines_dropped) },
	};

	for (size_t row = 0; row < COUNT_OF(rows); row++) {
		write_family(writer, rows[row].name, "counter", rows[row].help);
		for (size_t i = 0; i < writer->count; i++) {
			begin_sample(writer, rows[row].name, "", writer->boards[i]);
			end_sample(writer, counter_at(writer->boards[i], rows[row].offset));
		}
	}
}

/* Counters with one more label: a sample for each of its values, except those without a name. */
static void
write_labelled(const struct writer *writer)
{
	const struct {
		const char *name, *help, *label;
		const char *const *values;
		size_t count, offset;
		bool is_time;
	} rows[] = {
		{ "nullpool_connection_failures_total", "Connections that could not be opened.",
		  "reason", connect_failure_names, CONNECT_FAILURE__MAX, AT(connection_failures),
		  false },
		{ "nullpool_connect_seconds_total",
		  "Time that requests waited for a connection, by phase.", "phase",
		  connect_phase_names, CONNECT_PHASE__MAX, AT(connect_us), true },
		{ "nullpool_transactions_total", "Write transactions, by outcome.", "outcome",
		  request_outcome_names, OUTCOME__MAX, AT(transactions), false },
		{ "nullpool_cache_requests_total", "Lookups in the response cache, by result.",
		  "result", cache_result_names, COUNT_OF(cache_result_names), AT(cache_requests),
		  false },
	};

	for (size_t row = 0; row < COUNT_OF(rows); row++) {
		write_family(writer, rows[row].name, "counter", rows[row].help);
		for (size_t i = 0; i < writer->count; i++)
			for (size_t value = 0; value < rows[row].count; value++) {
				size_t offset = rows[row].offset + value * sizeof(atomic_ullong);

				if (!rows[row].values[value])
					continue;
				begin_sample(writer, rows[row].name, "", writer->boards[i]);
				write_label(writer->out, rows[row].label, rows[row].values[value]);
				(rows[row].is_time ? end_seconds : end_sample)(
				    writer, counter_at(writer->boards[i], offset));
			}
	}
}

void
metrics_write(struct buf *out, const struct boards *boards, bool openmetrics)
{
	const struct writer writer = { .out = out,
		                       .boards = boards->all,
		                       .count = boards->count,
		                       .refused = boards->refused,
		                       .refused_count = boards->refused_count,
		                       .openmetrics = openmetrics };

	write_family(&writer, "nullpool_build_info", "gauge", "The version of nullpool.");
	buf_printf(out, "nullpool_build_info{version=\"%s\"} 1\n", NP_VERSION);
	write_refused(&writer);
	write_gauges(&writer);
	write_workers(&writer);
	write_requests(&writer);
	write_counters(&writer);
	write_labelled(&writer);
	if (openmetrics)
		buf_text(out, "# EOF\n");
}

bool
np_metrics(struct np_ctx *ctx)
{
	const char *accept = request_header(ctx->request, "accept");
	bool openmetrics = accept && strstr(accept, "application/openmetrics-text");
	struct boards boards;

	if (!run_dir)
		return np_fail(ctx, NP_ERROR_UNAVAILABLE,
		               "There are no scoreboards: this program serves no socket");
	boards_read(ctx, run_dir, &boards);
	ctx_begin_reply(ctx, openmetrics ? CONTENT_TYPE_OPENMETRICS : CONTENT_TYPE_TEXT);
	metrics_write(&ctx->reply.body, &boards, openmetrics);
	return ctx_finish_reply(ctx, NP_STATUS_OK);
}
