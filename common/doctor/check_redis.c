#include "base/clock.h"
#include "doctor/checks.h"

void
check_redis(struct checks *checks)
{
	int64_t start_us = clock_now_us();
	bool there;

	if (!checks->app->cache)
		return;
	there = cache_ping(checks->app->cache, deadline_in_ms(checks->settings->redis_timeout_ms));
	(void)checklist_tell(
	    &checks->found, there, "redis",
	    there ? NULL : "answers are not kept until it is there: REDIS_URL, REDIS_TIMEOUT_MS",
	    "%s, %.1f ms", there ? "answers" : cache_last_error(checks->app->cache),
	    (double)(clock_now_us() - start_us) / 1000);
}
