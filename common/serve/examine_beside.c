#include "base/clock.h"
#include "serve/examine.h"

void
examine_redis(struct examined *examined)
{
	int64_t start_us = clock_now_us();
	bool there;

	if (!examined->app->cache)
		return;
	there = cache_ping(examined->app->cache, deadline_in_ms(examined->settings->redis_timeout_ms));
	(void)findings_tell(&examined->found, there, "redis",
	                    there ? NULL
	                          : "answers are not kept until it is there: REDIS_URL, REDIS_TIMEOUT_MS",
	                    "%s, %.1f ms", there ? "answers" : cache_why(examined->app->cache),
	                    (double)(clock_now_us() - start_us) / 1000);
}
