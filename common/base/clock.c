#include <limits.h>
#include <sys/random.h>

#include "base/clock.h"

int64_t
clock_now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct deadline
deadline_in_ms(int64_t ms)
{
	return (struct deadline){ clock_now_us() + ms * 1000 };
}

struct deadline
deadline_within_ms(struct deadline deadline, int64_t ms)
{
	struct deadline other = deadline_in_ms(ms);

	return other.at_us < deadline.at_us ? other : deadline;
}

int
deadline_left_ms(struct deadline deadline)
{
	int64_t left_us = deadline.at_us - clock_now_us();
	int64_t left_ms = (left_us + 999) / 1000;

	if (left_us <= 0)
		return 0;
	return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

bool
deadline_passed(struct deadline deadline)
{
	return deadline_left_ms(deadline) == 0;
}

void
clock_sleep_ms(int64_t ms, struct deadline deadline)
{
	int64_t left_ms = deadline_left_ms(deadline);
	int64_t pause_ms = ms < left_ms ? ms : left_ms;
	struct timespec pause = { .tv_sec = pause_ms / 1000, .tv_nsec = pause_ms % 1000 * 1000000 };

	(void)nanosleep(&pause, NULL);
}

int64_t
clock_jitter_ms(int64_t max_ms)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return max_ms;
	return (int64_t)(random % (uint64_t)(max_ms + 1));
}

void
clock_text(char text[CLOCK_TEXT_BYTES])
{
	/* Of the second that was asked for last: there are many lines in one. */
	static char seconds[CLOCK_TEXT_BYTES];
	static time_t known;
	struct timespec now;
	struct tm utc;
	size_t size;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != known) {
		(void)gmtime_r(&now.tv_sec, &utc);
		(void)strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
		known = now.tv_sec;
	}
	size = strlen(seconds);
	memcpy(text, seconds, size);
	text[size] = '.';
	for (long unit = 100000000; unit >= 1000000; unit /= 10)
		text[++size] = (char)('0' + now.tv_nsec / unit % 10);
	memcpy(text + size + 1, "Z", sizeof("Z"));
}
