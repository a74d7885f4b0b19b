/* examine_nginx.c - nginx has to wait for longer than a request may take */
#include <inttypes.h>

#include "base/text.h"
#include "serve/examine.h"

#define LINE_BYTES 256
#define SECOND_MS  INT64_C(1000)
#define DAY_MS     (86400 * SECOND_MS)

/* 0: nginx has none of that name. https://nginx.org/en/docs/syntax.html */
static int64_t
unit_ms(const char *name, size_t size)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = { { "", SECOND_MS },         { "ms", 1 },
		      { "s", SECOND_MS },        { "m", 60 * SECOND_MS },
		      { "h", 3600 * SECOND_MS }, { "d", DAY_MS },
		      { "w", 7 * DAY_MS },       { "M", 30 * DAY_MS },
		      { "y", 365 * DAY_MS } };

	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (strlen(units[i].name) == size && strncmp(units[i].name, name, size) == 0)
			return units[i].ms;
	return 0;
}

/* "1m5s"; 0: it is none. */
static int64_t
nginx_time_ms(const char *text)
{
	int64_t sum_ms = 0;

	while (text_is_digit(*text)) {
		char *unit;
		int64_t number = strtoll(text, &unit, 10), ms;
		size_t size = strspn(unit, "mshdwMy");

		/* "1m5s" and "500ms": a name is one letter, but for that one. */
		if (size > 1)
			size = text_starts(unit, "ms") ? 2 : 1;
		ms = unit_ms(unit, size);
		if (number > INT64_MAX / (400 * DAY_MS))
			return 0;
		sum_ms += number * ms;
		text = unit + size;
	}
	text += strspn(text, " \t");
	return *text == ';' ? sum_ms : 0;
}

/* Of a line "fastcgi_read_timeout 65s;"; 0: it is another one. */
static int64_t
timeout_of(const char *line)
{
	static const char name[] = "fastcgi_read_timeout";
	const char *at = line + strspn(line, " \t");
	size_t blanks;

	if (!text_starts(at, name))
		return 0;
	at += strlen(name);
	blanks = strspn(at, " \t");
	return blanks > 0 ? nginx_time_ms(at + blanks) : 0;
}

static int64_t
timeout_in(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES];
	int64_t ms = 0;

	while (file && ms == 0 && fgets(line, sizeof(line), file))
		ms = timeout_of(line);
	if (file)
		(void)fclose(file);
	return ms;
}

void
examine_nginx(struct examined *examined)
{
	int64_t theirs_ms = timeout_in("/etc/nginx/nullpool/fastcgi.conf");
	int64_t ours_s = examined->settings->request_timeout_s;
	bool longer;
	const char
	    *advice = "a client gets nginx' 504 while the work goes on: a longer fastcgi_read_timeout, or a "
	              "shorter REQUEST_TIMEOUT";

	if (theirs_ms == 0)
		theirs_ms = timeout_in("nginx/fastcgi.conf");
	longer = theirs_ms > ours_s * SECOND_MS;
	if (theirs_ms > 0)
		(void)findings_tell(&examined->found, longer, "nginx", longer ? NULL : advice,
		                    "fastcgi_read_timeout %.10g s, REQUEST_TIMEOUT %" PRId64 " s",
		                    (double)theirs_ms / (double)SECOND_MS, ours_s);
}
