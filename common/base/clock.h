/* clock.h - deadlines on the monotonic clock; the wall clock is for people only */
#ifndef NULLPOOL_BASE_CLOCK_H
#define NULLPOOL_BASE_CLOCK_H

#include <time.h>

#include "base/attributes.h"

/* A point in time that does not move when somebody sets the clock. */
struct deadline {
	int64_t at_us; /* of clock_now_us() */
};

#define DEADLINE_NOW   ((struct deadline){ 0 }) /* has passed: looks and does not wait */
#define DEADLINE_NEVER ((struct deadline){ INT64_MAX })

int64_t clock_now_us(void);  /* CLOCK_MONOTONIC */
int64_t clock_wall_us(void); /* CLOCK_REALTIME, since 1970: somebody may set it */

/* Microseconds as milliseconds, for people to read. */
double clock_ms(int64_t us);

struct deadline deadline_in_ms(int64_t ms);

struct deadline deadline_sooner(struct deadline a, struct deadline b);

/* The earlier of a deadline and `ms` from now. */
struct deadline deadline_within_ms(struct deadline deadline, int64_t ms);

/* Milliseconds that are left, rounded up, at least 0 and at most INT_MAX: a timeout for poll(). */
int deadline_left_ms(struct deadline deadline);
bool deadline_passed(struct deadline deadline);

/* Sleeps, but not past the deadline. */
void clock_sleep_ms(int64_t ms, struct deadline deadline);

/* Full jitter: anywhere from 0 to max_ms, so that those who failed together do not come back
 * together. */
int64_t clock_jitter_ms(int64_t max_ms);

/* Wall clock as RFC 3339 with milliseconds, UTC; safe in a signal handler. clock_text_of(): of
 * years 1970 to 9999. */
#define CLOCK_TEXT_BYTES 32
void clock_text(char text[CLOCK_TEXT_BYTES]);
void clock_text_of(const struct timespec *time, char text[CLOCK_TEXT_BYTES]);

#endif
