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
	const struct boards *found;
	bool openmetrics;
};

/* --- lines --- */

/* In OpenMetrics a counter's family has not the _total of its samples. */
static void
family(const struct writer *writer, const char *name, const char *type, const char *help)
{
	size_t size = strlen(name), suffix = strlen("_total");

	if (writer->openmetrics && strcmp(type, "counter") == 0 && size > suffix)
		size -= suffix;
	buf_printf(writer->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)size, name, help,
	           (int)size, name, type);
}

/* The formats' own escapes: backslash, quote, line feed. */
static void
label(struct buf *out, const char *name, const char *value)
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

/* name{endpoint="…" — the caller adds labels, and ends with number() or seconds(). */
static void
sample(const struct writer *writer, const char *name, const char *suffix,
       const struct scoreboard *board_)
{
	buf_printf(writer->out, "%s%s{", name, suffix);
	label(writer->out, "endpoint", board_->name);
}

static void
number(const struct writer *writer, unsigned long long value)
{
	buf_printf(writer->out, "} %llu\n", value);
}

static void
seconds(const struct writer *writer, unsigned long long us)
{
	buf_printf(writer->out, "} %llu.%06llu\n", us / 1000000, us % 1000000);
}

static void
histogram(const struct writer *writer, const char *name, const struct scoreboard *of,
          const struct route_counts *route, const struct histogram *histogram)
{
	unsigned long long sum = 0;

	for (size_t i = 0; i <= SCOREBOARD_BOUNDS + 1; i++) {
		sample(writer, name, i <= SCOREBOARD_BOUNDS ? "_bucket" : "_count", of);
		if (route) {
			label(writer->out, "method", route->method);
			label(writer->out, "route", route->path);
		}
		if (i <= SCOREBOARD_BOUNDS)
			sum += atomic_load(&histogram->buckets[i]);
		if (i < SCOREBOARD_BOUNDS)
			buf_printf(writer->out, ",le=\"%g\"",
			           (double)scoreboard_bounds_us[i] / 1000000);
		else if (i == SCOREBOARD_BOUNDS)
			buf_text(writer->out, ",le=\"+Inf\"");
		number(writer, sum);
	}
	sample(writer, name, "_sum", of);
	if (route) {
		label(writer->out, "method", route->method);
		label(writer->out, "route", route->path);
	}
	seconds(writer, atomic_load(&histogram->sum_us));
}

/* --- families --- */

static bool
was_asked(const struct route_counts *route)
{
	for (size_t i = 0; i < SCOREBOARD_STATUSES; i++)
		if (atomic_load(&route->by_status[i]) > 0)
			return true;
	return false;
}

static void
write_route(const struct writer *writer, const char *name, const struct scoreboard *of,
            const struct route_counts *route)
{
	char other[] = "other", code[8];

	for (size_t i = 0; i < SCOREBOARD_STATUSES; i++) {
		unsigned long long value = atomic_load(&route->by_status[i]);

		if (value == 0)
			continue;
		(void)snprintf(code, sizeof(code), "%d", scoreboard_statuses[i]);
		sample(writer, name, "", of);
		label(writer->out, "method", route->method);
		label(writer->out, "route", route->path);
		label(writer->out, "code", i == 0 ? other : code);
		number(writer, value);
	}
}

static void
write_requests(const struct writer *writer)
{
	static const char requests[] = "nullpool_requests_total",
	                  durations[] = "nullpool_request_duration_seconds",
	                  queue[] = "nullpool_queue_wait_seconds";

	family(writer, requests, "counter", "Requests answered, by route and status.");
	for (size_t i = 0; i < writer->count; i++)
		for (uint32_t r = 0; r < writer->boards[i]->route_count; r++)
			write_route(writer, requests, writer->boards[i],
			            &scoreboard_routes(writer->boards[i])[r]);
	family(writer, durations, "histogram", "From the first byte of a request to its log line.");
	for (size_t i = 0; i < writer->count; i++)
		for (uint32_t r = 0; r < writer->boards[i]->route_count; r++) {
			const struct route_counts *route = &scoreboard_routes(writer->boards[i])[r];

			if (was_asked(route))
				histogram(writer, durations, writer->boards[i], route,
				          &route->duration);
		}
	family(writer, queue, "histogram", "How long requests waited for a worker.");
	for (size_t i = 0; i < writer->count; i++)
		histogram(writer, queue, writer->boards[i], NULL, &writer->boards[i]->queue_wait);
}

static void
write_workers(const struct writer *writer)
{
	static const char *const states[SLOT__MAX] = {
		[SLOT_STARTING] = "starting", [SLOT_IDLE] = "idle", [SLOT_BUSY] = "busy"
	};
	static const char name[] = "nullpool_workers";

	family(writer, name, "gauge", "Workers, by what they do.");
	for (size_t i = 0; i < writer->count; i++)
		for (int state = SLOT_STARTING; state < SLOT__MAX; state++) {
			sample(writer, name, "", writer->boards[i]);
			label(writer->out, "state", states[state]);
			number(writer,
			       scoreboard_count_of(writer->boards[i], (enum slot_state)state));
		}
}

/* Gauges that are made of a board. */
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
		{ "nullpool_pool_size", "Workers that are kept (DATABASE_POOL_SIZE).", size_of },
		{ "nullpool_pool_max_overflow", "More on demand (DATABASE_MAX_OVERFLOW).",
		  max_overflow_of },
		{ "nullpool_pool_overflow", "Workers beyond those that are kept.", overflow_of },
		{ "nullpool_pool_checked_out", "Workers with a request in hand.", checked_out_of },
	};

	for (size_t row = 0; row < COUNT_OF(rows); row++) {
		family(writer, rows[row].name, "gauge", rows[row].help);
		for (size_t i = 0; i < writer->count; i++) {
			sample(writer, rows[row].name, "", writer->boards[i]);
			number(writer, rows[row].value(writer->boards[i]));
		}
	}
}

/* Nothing else is said of those that were refused: what they hold is not to be believed. */
static void
write_refused(const struct writer *writer)
{
	static const char name[] = "nullpool_scoreboard_refused";

	family(writer, name, "gauge",
	       "Scoreboards that were left out, since what is in them cannot be.");
	for (size_t i = 0; i < writer->count; i++) {
		sample(writer, name, "", writer->boards[i]);
		number(writer, 0);
	}
	for (size_t i = 0; i < writer->found->refused_count; i++) {
		buf_printf(writer->out, "%s{", name);
		label(writer->out, "endpoint", writer->found->refused[i].name);
		label(writer->out, "reason", writer->found->refused[i].why);
		number(writer, 1);
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
		  "Workers killed: past their deadline, or idle and taking no connection.",
		  AT(worker_kills) },
		{ "nullpool_pool_timeouts_total",
		  "Requests that waited longer than DATABASE_POOL_TIMEOUT.", AT(pool_timeouts) },
		{ "nullpool_clients_gone_total",
		  "Requests whose client left before their turn, or while the database was waited for.",
		  AT(clients_gone) },
		{ "nullpool_connections_opened_total",
		  "Connections to the database that were opened.", AT(connections_opened) },
		{ "nullpool_connects_total", "Requests that waited for a connection to be opened.",
		  AT(connects) },
		{ "nullpool_ahead_hits_total", "Connections opened ahead that a request used.",
		  AT(ahead_hits) },
		{ "nullpool_ahead_wasted_total", "Connections opened ahead that went unused.",
		  AT(ahead_wasted) },
		{ "nullpool_flights_total", "Round trips to the database, but those of connecting.",
		  AT(flights) },
		{ "nullpool_queries_total", "Statements of handlers.", AT(queries) },
		{ "nullpool_query_retries_total",
		  "First flights that were sent again on a fresh connection.", AT(query_retries) },
		{ "nullpool_transaction_reruns_total",
		  "Handlers run again because of another transaction.", AT(transaction_reruns) },
		{ "nullpool_spans_sent_total", "Spans that the collector took.", AT(spans_sent) },
		{ "nullpool_spans_failed_total", "Spans that it did not take.", AT(spans_failed) },
		{ "nullpool_traces_dropped_total",
		  "Requests whose spans were dropped, since the sender was behind.",
		  AT(traces_dropped) },
		{ "nullpool_log_lines_dropped_total", "Log lines that nobody took.",
		  AT(log_lines_dropped) },
	};

	for (size_t row = 0; row < COUNT_OF(rows); row++) {
		family(writer, rows[row].name, "counter", rows[row].help);
		for (size_t i = 0; i < writer->count; i++) {
			sample(writer, rows[row].name, "", writer->boards[i]);
			number(writer, counter_at(writer->boards[i], rows[row].offset));
		}
	}
}

/* Counters with a label more, one sample a value of it; a value whose name is NULL is left out. */
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
		{ "nullpool_transactions_total", "Transactions that write, by what became of them.",
		  "outcome", transaction_outcome_names, OUTCOME__MAX, AT(transactions), false },
		{ "nullpool_cache_requests_total", "Answers looked for in the cache.", "result",
		  cache_result_names, COUNT_OF(cache_result_names), AT(cache_requests), false },
	};

	for (size_t row = 0; row < COUNT_OF(rows); row++) {
		family(writer, rows[row].name, "counter", rows[row].help);
		for (size_t i = 0; i < writer->count; i++)
			for (size_t value = 0; value < rows[row].count; value++) {
				size_t offset = rows[row].offset + value * sizeof(atomic_ullong);

				if (!rows[row].values[value])
					continue;
				sample(writer, rows[row].name, "", writer->boards[i]);
				label(writer->out, rows[row].label, rows[row].values[value]);
				(rows[row].is_time ? seconds : number)(
				    writer, counter_at(writer->boards[i], offset));
			}
	}
}

void
metrics_write(struct buf *out, const struct boards *boards, bool openmetrics)
{
	const struct writer writer = { out, boards->all, boards->count, boards, openmetrics };

	family(&writer, "nullpool_build_info", "gauge", "What this is.");
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
		return np_fail(ctx, NP_UNAVAILABLE,
		               "There are no scoreboards: this program serves no socket");
	boards_read(ctx, run_dir, &boards);
	buf_reset(&ctx->reply.body);
	metrics_write(&ctx->reply.body, &boards, openmetrics);
	ctx->reply.content_type = openmetrics ? CONTENT_TYPE_OPENMETRICS : CONTENT_TYPE_TEXT;
	return ctx_finish_reply(ctx, NP_OK);
}
