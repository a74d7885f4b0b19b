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

double
clock_ms(int64_t us)
{
	return (double)us / 1000;
}

struct deadline
deadline_in_ms(int64_t ms)
{
	return (struct deadline){ clock_now_us() + ms * 1000 };
}

struct deadline
deadline_sooner(struct deadline a, struct deadline b)
{
	return a.at_us < b.at_us ? a : b;
}

struct deadline
deadline_within_ms(struct deadline deadline, int64_t ms)
{
	return deadline_sooner(deadline, deadline_in_ms(ms));
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

/* Writes exactly `digits` digits; returns the position after them. */
static char *
write_number(char *at, int64_t number, int digits)
{
	for (int i = digits; i-- > 0; number /= 10)
		at[i] = (char)('0' + number % 10);
	return at + digits;
}

/* Writes 2026-01-31T23:59:59 and returns the position after it. gmtime_r() and strftime() take a
 * lock, and so must not run in a signal handler. The year begins in March here, so that a leap day
 * is its last day: https://howardhinnant.github.io/date_algorithms.html#civil_from_days */
static char *
write_seconds(int64_t unix_s, char *text)
{
	int64_t days = unix_s / 86400 + 719468, second = unix_s % 86400;
	int64_t era = days / 146097, of_era = days % 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100),
	        month = (5 * of_year + 2) / 153;

	text = write_number(text, era * 400 + year + (month >= 10), 4);
	*text++ = '-';
	text = write_number(text, month < 10 ? month + 3 : month - 9, 2);
	*text++ = '-';
	text = write_number(text, of_year - (153 * month + 2) / 5 + 1, 2);
	*text++ = 'T';
	text = write_number(text, second / 3600, 2);
	*text++ = ':';
	text = write_number(text, second / 60 % 60, 2);
	*text++ = ':';
	return write_number(text, second % 60, 2);
}

void
clock_text_of(const struct timespec *time, char text[CLOCK_TEXT_BYTES])
{
	char *end = write_seconds(time->tv_sec, text);

	*end = '.';
	memcpy(write_number(end + 1, time->tv_nsec / 1000000, 3), "Z", sizeof("Z"));
}

int64_t
clock_wall_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void
clock_text(char text[CLOCK_TEXT_BYTES])
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	clock_text_of(&now, text);
}
