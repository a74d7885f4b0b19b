#include "command/top.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "command/keys.h"
#include "observe/boards.h"

#define PERIOD_MS 1000
#define CLEAR     "\033[H\033[J"
#define OUT_BYTES (64 << 10)
#define BUCKETS   (SCOREBOARD_BOUNDS + 1)
#define MICRO     1000000

/* The counters of an endpoint at one moment. */
struct sums {
	char name[SCOREBOARD_NAME_BYTES];
	int64_t created_us; /* of its scoreboard, whose counters began at 0 then */
	unsigned long long requests, errors, flights, durations[BUCKETS];
};

struct view {
	void *scope; /* owns the sums */
	struct sums *sums;
	size_t count;
	int64_t at_us;
};

static void
add_route(struct sums *sums, const struct route_counts *route)
{
	for (size_t i = 0; i < SCOREBOARD_STATUSES; i++) {
		unsigned long long value = atomic_load(&route->by_status[i]);

		sums->requests += value;
		sums->errors += scoreboard_statuses[i] >= 500 ? value : 0;
	}
	for (size_t i = 0; i < BUCKETS; i++)
		sums->durations[i] += atomic_load(&route->duration.buckets[i]);
}

static struct sums
sums_of(const struct scoreboard *of)
{
	struct sums sums = { .created_us = of->created_us, .flights = atomic_load(&of->flights) };

	memcpy(sums.name, of->name, sizeof(sums.name));
	for (uint32_t i = 0; i < of->route_count; i++)
		add_route(&sums, &scoreboard_routes(of)[i]);
	return sums;
}

/* A counter never falls, unless a compromised worker has set it back. */
static unsigned long long
increase_of(unsigned long long now, unsigned long long then)
{
	return now > then ? now - then : 0;
}

/* Returns what was counted since the view before, or everything if it does not have the endpoint.
 */
static struct sums
increase_since(const struct view *before, const struct sums *now)
{
	struct sums increase = *now;

	for (size_t i = 0; i < before->count; i++) {
		const struct sums *then = &before->sums[i];

		if (strcmp(then->name, now->name) != 0 || then->created_us != now->created_us)
			continue;
		increase.requests = increase_of(now->requests, then->requests);
		increase.errors = increase_of(now->errors, then->errors);
		increase.flights = increase_of(now->flights, then->flights);
		for (size_t b = 0; b < BUCKETS; b++)
			increase.durations[b] = increase_of(now->durations[b], then->durations[b]);
	}
	return increase;
}

/* Interpolates within a bucket, as Prometheus' histogram_quantile() does. Returns -1 if nothing was
 * counted. */
static double
quantile_ms(const unsigned long long buckets[BUCKETS], double quantile)
{
	unsigned long long count = 0;
	double rank, below = 0;

	for (size_t i = 0; i < BUCKETS; i++)
		count += buckets[i];
	if (count == 0)
		return -1;
	rank = quantile * (double)count;
	for (size_t i = 0; i < SCOREBOARD_BOUNDS; i++) {
		double low = i > 0 ? (double)scoreboard_bounds_us[i - 1] : 0;
		double width = (double)scoreboard_bounds_us[i] - low;

		if (buckets[i] > 0 && below + (double)buckets[i] >= rank)
			return (low + width * (rank - below) / (double)buckets[i]) / 1000;
		below += (double)buckets[i];
	}
	return (double)scoreboard_bounds_us[SCOREBOARD_BOUNDS - 1] / 1000;
}

static void
write_ratio(struct buf *out, int width, bool known, double value)
{
	if (known)
		buf_printf(out, " %*.1f", width, value);
	else
		buf_printf(out, " %*s", width, "-");
}

static void
write_row(struct buf *out, const struct scoreboard *of, const struct sums *increase, double seconds)
{
	double p50 = quantile_ms(increase->durations, 0.5),
	       p99 = quantile_ms(increase->durations, 0.99);

	buf_printf(out, "%-16.16s %-5s %4zu %4zu %9" PRId32, of->name,
	           board_is_alive(of) ? "up" : "DOWN", scoreboard_count_of(of, SLOT_BUSY),
	           scoreboard_count_of(of, SLOT_IDLE), of->pool_size + of->max_overflow);
	write_ratio(out, 9, seconds > 0, (double)increase->requests / seconds);
	write_ratio(out, 8, seconds > 0, (double)increase->errors / seconds);
	write_ratio(out, 8, p50 >= 0, p50);
	write_ratio(out, 8, p99 >= 0, p99);
	write_ratio(out, 8, increase->requests > 0,
	            (double)increase->flights / (double)increase->requests);
	buf_char(out, '\n');
}

static void
write_table(struct buf *out, const char *directory, struct view *before)
{
	struct view now = { .scope = mem_scope(mem_process(), "view"), .at_us = clock_now_us() };
	double seconds = before->at_us > 0 ? (double)(now.at_us - before->at_us) / MICRO : 0;
	void *scope = mem_scope(mem_process(), "boards");
	struct boards boards;

	boards_read(scope, directory, &boards);
	now.count = boards.count;
	now.sums = mem_array(now.scope, struct sums, now.count + 1);
	buf_printf(out, "%-16s %-5s %4s %4s %9s %9s %8s %8s %8s %8s\n", "endpoint", "", "busy",
	           "idle", "max", "req/s", "5xx/s", "p50 ms", "p99 ms", "trips");
	for (size_t i = 0; i < now.count; i++) {
		struct sums increase;

		now.sums[i] = sums_of(boards.all[i]);
		/* The first table has no rates. */
		increase = seconds > 0 ? increase_since(before, &now.sums[i])
		                       : (struct sums){ .requests = 0 };
		write_row(out, boards.all[i], &increase, seconds);
	}
	for (size_t i = 0; i < boards.refused_count; i++)
		buf_printf(out, "%-16.16s left out: %s\n", boards.refused[i].name,
		           boards.refused[i].reason);
	if (now.count + boards.refused_count == 0)
		buf_printf(out, "no endpoint runs in %s\n", directory);
	mem_free(scope);
	mem_free(before->scope);
	*before = now;
}

/* Waits for the next table. Returns true if q was typed meanwhile. */
static bool
wait_for_q(bool keys)
{
	if (keys)
		return keys_wait_for_q(PERIOD_MS);
	clock_sleep_ms(PERIOD_MS, deadline_in_ms(PERIOD_MS));
	return false;
}

bool
top_run(const char *directory)
{
	bool terminal = isatty(STDOUT_FILENO), keys;
	struct view view = { .scope = NULL };
	struct buf out;

	if (!directory)
		directory = scoreboard_directory();
	if (!directory || access(directory, X_OK) != 0) {
		(void)fprintf(stderr, "there is no run directory%s%s; name it: --top DIRECTORY\n",
		              directory ? " " : "", directory ? directory : "");
		return false;
	}
	keys = terminal && keys_open();
	buf_init(&out, mem_process(), OUT_BYTES);
	do {
		buf_reset(&out);
		if (terminal)
			buf_text(&out, CLEAR);
		write_table(&out, directory, &view);
		buf_text(&out, terminal ? "" : "\n");
		(void)fputs(out.data, stdout);
		if (fflush(stdout) != 0)
			break;
	} while (!wait_for_q(keys));
	if (keys)
		keys_close();
	mem_free(view.scope);
	return true;
}
