#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/queue.h"
#include "doctor/checks.h"
#include "observe/boards.h"

#define LINE_BYTES 256
#define SECOND_MS  INT64_C(1000)
#define DAY_MS     (86400 * SECOND_MS)

/* Returns 0 if nginx has no such unit. https://nginx.org/en/docs/syntax.html */
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

/* Reads a time like "1m5s;". Returns 0 if it is not valid. */
static int64_t
parse_time_ms(const char *text)
{
	int64_t sum_ms = 0;

	while (text_is_digit(*text)) {
		char *unit;
		int64_t number = strtoll(text, &unit, 10), ms;
		size_t size = strspn(unit, "mshdwMy");

		/* A unit has one letter, except "ms": "1m5s" has two units, "500ms" one. */
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

/* Finds the first line "name value;" of a file and copies "value;". Returns false if there is no
 * such line or file. */
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
read_timeout_ms(const char *path)
{
	char value[LINE_BYTES];

	return find_directive(path, "fastcgi_read_timeout", value) ? parse_time_ms(value) : 0;
}

/* Returns 0 if the file does not have the directive. */
static int64_t
read_number(const char *path, const char *name)
{
	char value[LINE_BYTES], *end;
	int64_t number;

	if (!find_directive(path, name, value))
		return 0;
	number = strtoll(value, &end, 10);
	end += strspn(end, " \t");
	return *end == ';' ? number : 0;
}

/* Returns how many connections of nginx the running endpoints need, or this one if none runs. */
static int64_t
connections_needed(const struct doctor *doctor)
{
	const struct settings *settings = doctor->settings;
	const char *directory = scoreboard_directory();
	struct boards boards = { .count = 0 };
	int64_t sum = 0;

	if (directory)
		boards_read(doctor->scope, directory, &boards);
	for (size_t i = 0; i < boards.count; i++)
		if (board_is_alive(boards.all[i]))
			sum += queue_connections(boards.all[i]->pool_size
			                         + boards.all[i]->max_overflow);
	return sum > 0 ? sum
	               : queue_connections(settings->database_pool_size
	                                   + settings->database_max_overflow);
}

static void
check_connections(struct doctor *doctor, const char *path)
{
	int64_t have = read_number(path, "worker_connections"), need = connections_needed(doctor);
	int64_t files = read_number(path, "worker_rlimit_nofile");
	bool enough = have >= need && files >= have;
	char advice[LINE_BYTES];

	if (have == 0)
		return;
	(void)snprintf(advice, sizeof(advice),
	               "with fewer, nginx resets connections where it should answer 503: set "
	               "worker_connections %" PRId64
	               " in %s, and worker_rlimit_nofile to twice that",
	               need > have ? need : have, path);
	(void)checklist_add(&doctor->checklist, enough, "nginx connections", enough ? NULL : advice,
	                    "%" PRId64 ", with %" PRId64
	                    " files; waiting and running requests need %" PRId64,
	                    have, files, need);
}

static void
check_timeout(struct doctor *doctor, const char *path)
{
	int64_t nginx_ms = read_timeout_ms(path), request_s = doctor->settings->request_timeout_s;
	bool longer = nginx_ms > request_s * SECOND_MS;
	const char *advice = "clients get nginx's 504 while the work goes on: set a longer "
	                     "fastcgi_read_timeout, or a shorter REQUEST_TIMEOUT";

	if (nginx_ms > 0)
		(void)checklist_add(&doctor->checklist, longer, "nginx", longer ? NULL : advice,
		                    "fastcgi_read_timeout %.10g s, REQUEST_TIMEOUT %" PRId64 " s",
		                    (double)nginx_ms / (double)SECOND_MS, request_s);
}

void
check_nginx(struct doctor *doctor)
{
	/* The files of an installation, or of make run in this tree. */
	bool installed = read_timeout_ms("/etc/nginx/nullpool/fastcgi.conf") > 0;

	check_timeout(doctor,
	              installed ? "/etc/nginx/nullpool/fastcgi.conf" : "nginx/fastcgi.conf");
	check_connections(doctor, installed ? "/etc/nginx/nginx.conf" : ".local/nginx/nginx.conf");
}
