/* check_nginx.c - nginx has to wait for longer than a request may take, and to have room for all
 * requests that can wait
 */
#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/queue.h"
#include "doctor/checks.h"
#include "observe/boards.h"

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

/* Finds the first line "name value;" of a file, and copies "value;". Returns false if there is
 * none. */
static bool
find_directive(const char *path, const char *name, char value[LINE_BYTES])
{
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		const char *at = line + strspn(line, " \t");
		size_t blanks;

		if (!text_starts(at, name))
			continue;
		at += strlen(name);
		blanks = strspn(at, " \t");
		found = blanks > 0;
		if (found)
			memcpy(value, at + blanks, strlen(at + blanks) + 1);
	}
	if (file)
		(void)fclose(file);
	return found;
}

static int64_t
timeout_in(const char *path)
{
	char value[LINE_BYTES];

	return find_directive(path, "fastcgi_read_timeout", value) ? nginx_time_ms(value) : 0;
}

/* Returns 0 if the file says nothing. */
static int64_t
number_in(const char *path, const char *name)
{
	char value[LINE_BYTES], *end;
	int64_t number;

	if (!find_directive(path, name, value))
		return 0;
	number = strtoll(value, &end, 10);
	end += strspn(end, " \t");
	return *end == ';' ? number : 0;
}

/* Of all endpoints that run, or of this one if none does. */
static int64_t
connections_needed(const struct checks *checks)
{
	const struct settings *settings = checks->settings;
	const char *directory = scoreboard_directory();
	struct boards boards = { .count = 0 };
	int64_t sum = 0;

	if (directory)
		boards_read(checks->scope, directory, &boards);
	for (size_t i = 0; i < boards.count; i++)
		if (board_is_alive(boards.all[i]))
			sum += queue_connections(boards.all[i]->pool_size
			                         + boards.all[i]->max_overflow);
	return sum > 0 ? sum
	               : queue_connections(settings->database_pool_size
	                                   + settings->database_max_overflow);
}

static void
examine_connections(struct checks *checks, const char *path)
{
	int64_t has = number_in(path, "worker_connections"), needs = connections_needed(checks);
	int64_t files = number_in(path, "worker_rlimit_nofile");
	bool enough = has >= needs && files >= has;
	char advice[LINE_BYTES];

	if (has == 0)
		return;
	(void)snprintf(advice, sizeof(advice),
	               "with less, nginx resets connections where it should answer 503: in %s "
	               "worker_connections %" PRId64 ", and worker_rlimit_nofile twice that",
	               path, needs > has ? needs : has);
	(void)checklist_tell(&checks->found, enough, "nginx connections", enough ? NULL : advice,
	                     "%" PRId64 ", with %" PRId64
	                     " files; requests that wait or are answered take %" PRId64,
	                     has, files, needs);
}

static void
examine_timeout(struct checks *checks, const char *path)
{
	int64_t theirs_ms = timeout_in(path), ours_s = checks->settings->request_timeout_s;
	bool longer = theirs_ms > ours_s * SECOND_MS;
	const char *advice = "a client gets nginx' 504 while the work goes on: a longer "
	                     "fastcgi_read_timeout, or a shorter REQUEST_TIMEOUT";

	if (theirs_ms > 0)
		(void)checklist_tell(&checks->found, longer, "nginx", longer ? NULL : advice,
		                     "fastcgi_read_timeout %.10g s, REQUEST_TIMEOUT %" PRId64 " s",
		                     (double)theirs_ms / (double)SECOND_MS, ours_s);
}

void
check_nginx(struct checks *checks)
{
	/* As installed, or of make run in this tree. */
	bool installed = timeout_in("/etc/nginx/nullpool/fastcgi.conf") > 0;

	examine_timeout(checks,
	                installed ? "/etc/nginx/nullpool/fastcgi.conf" : "nginx/fastcgi.conf");
	examine_connections(checks,
	                    installed ? "/etc/nginx/nginx.conf" : ".local/nginx/nginx.conf");
}
