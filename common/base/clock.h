/* clock.h - deadlines on the monotonic clock; the wall clock is for timestamps only */
#ifndef NULLPOOL_BASE_CLOCK_H
#define NULLPOOL_BASE_CLOCK_H

#include <time.h>

#include "base/attributes.h"

/* A point in time that does not move when the system's clock is set. */
struct deadline {
	int64_t at_us; /* as clock_now_us() returns it */
};

#define DEADLINE_NOW   ((struct deadline){ 0 }) /* has passed: nothing waits for it */
#define DEADLINE_NEVER ((struct deadline){ INT64_MAX })

int64_t clock_now_us(void);  /* CLOCK_MONOTONIC */
int64_t clock_wall_us(void); /* CLOCK_REALTIME, since 1970; jumps when the clock is set */

/* Microseconds as milliseconds, for people to read. */
double clock_ms(int64_t us);

struct deadline deadline_in_ms(int64_t ms);

/* The earlier of two. */
struct deadline deadline_sooner(struct deadline a, struct deadline b);

/* The earlier of a deadline and `ms` from now. */
struct deadline deadline_within_ms(struct deadline deadline, int64_t ms);

/* Returns the milliseconds that are left, rounded up, from 0 to INT_MAX: a timeout for poll(). */
int deadline_left_ms(struct deadline deadline);
bool deadline_passed(struct deadline deadline);

/* Sleeps, but not past the deadline; a signal ends it early. */
void clock_sleep_ms(int64_t ms, struct deadline deadline);

/* Full jitter: a random number from 0 to max_ms, so that clients that failed together do not retry
 * together. */
int64_t clock_jitter_ms(int64_t max_ms);

/* The wall clock in UTC as RFC 3339 with milliseconds; safe in a signal handler. clock_text_of()
 * takes times of the years 1970 to 9999. */
#define CLOCK_TEXT_BYTES 32
void clock_text(char text[CLOCK_TEXT_BYTES]);
void clock_text_of(const struct timespec *time, char text[CLOCK_TEXT_BYTES]);

#endif
