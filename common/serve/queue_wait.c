#include "serve/queue_wait.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

/* If the two clocks are this far apart they have not drifted: one of them was set. */
#define CLOCK_STEP_MS 1000
/* The year 5138. No request began later, or before 1970. */
#define START_MAX_S 1e11

/* How far the wall clock was ahead of the monotonic clock when last seen. */
static int64_t offset_ms;
/* On the monotonic clock: stamps are not believed before. */
static int64_t believable_from_ms;

void
queue_wait_sync_clock(void)
{
	offset_ms = clock_wall_us() / 1000 - clock_now_us() / 1000;
}

/* Returns true if a stamp may be compared with wall_ms. */
static bool
is_clock_steady(int64_t wall_ms, int64_t pool_timeout_s)
{
	int64_t monotonic_ms = clock_now_us() / 1000;
	int64_t moved_ms = wall_ms - monotonic_ms - offset_ms;

	if (llabs(moved_ms) >= CLOCK_STEP_MS) {
		log_printf(LOG_WARNING, "clock set", "by %.1f s", (double)moved_ms / 1000);
		believable_from_ms = monotonic_ms + pool_timeout_s * 1000;
	}
	offset_ms += moved_ms;
	return monotonic_ms >= believable_from_ms;
}

int64_t
queue_wait_ms(const char *stamp, int64_t pool_timeout_s)
{
	int64_t wall_ms = clock_wall_us() / 1000, waited_ms;
	bool steady = is_clock_steady(wall_ms, pool_timeout_s);
	double start_s;

	if (!steady || !stamp || !parse_float(stamp, &start_s) || start_s < 0
	    || start_s > START_MAX_S)
		return -1;
	waited_ms = wall_ms - (int64_t)(start_s * 1000);
	return waited_ms > 0 ? waited_ms : 0;
}
