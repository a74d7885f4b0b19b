#include <inttypes.h>

#include "base/clock.h"
#include "base/text.h"
#include "serve/examine.h"

#define LINE_BYTES 256

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

/* Of a line "fastcgi_read_timeout 65s;"; 0: it is another one. */
static int64_t
timeout_of(char *line)
{
	static const char name[] = "fastcgi_read_timeout ";
	char *at = line + strspn(line, " \t");
	int64_t seconds;

	if (!text_starts(at, name))
		return 0;
	at += strlen(name);
	at[strspn(at, "0123456789")] = '\0';
	return parse_int(at, &seconds) ? seconds : 0;
}

static int64_t
timeout_in(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES];
	int64_t seconds = 0;

	while (file && seconds == 0 && fgets(line, sizeof(line), file))
		seconds = timeout_of(line);
	if (file)
		(void)fclose(file);
	return seconds;
}

void
examine_nginx(struct examined *examined)
{
	int64_t theirs_s = timeout_in("/etc/nginx/nullpool/fastcgi.conf");
	int64_t ours_s = examined->settings->request_timeout_s;
	const char
	    *advice = "a client gets nginx' 504 while the work goes on: a longer fastcgi_read_timeout, or a "
	              "shorter REQUEST_TIMEOUT";

	if (theirs_s == 0)
		theirs_s = timeout_in("nginx/fastcgi.conf");
	if (theirs_s > 0)
		(void)findings_tell(
		    &examined->found, theirs_s > ours_s, "nginx", theirs_s > ours_s ? NULL : advice,
		    "fastcgi_read_timeout %" PRId64 " s, REQUEST_TIMEOUT %" PRId64 " s", theirs_s, ours_s);
}
