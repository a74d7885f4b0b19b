#include "serve/budget.h"

#include <errno.h>
#include <glob.h>
#include <signal.h>

#include "base/log.h"
#include "base/mem.h"
#include "serve/scoreboard.h"

/* A board outlives a master that was killed; then its process is gone. */
static bool
is_alive(const struct scoreboard *other)
{
	return kill(atomic_load(&other->master_pid), 0) == 0 || errno == EPERM;
}

static int64_t
sum_of(const char *directory)
{
	char *pattern = mem_printf(NULL, "%s/*.board", directory);
	int64_t sum = 0;
	glob_t found;

	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			const struct scoreboard *other = scoreboard_map(found.gl_pathv[i]);

			if (!other)
				continue;
			if (is_alive(other))
				sum += other->size + other->overflow;
			scoreboard_unmap(other);
		}
		globfree(&found);
	}
	mem_free(pattern);
	return sum;
}

void
budget_log(const struct settings *settings, const char *directory, int64_t server_connections)
{
	int64_t own = settings->database_pool_size + settings->database_max_overflow;
	int64_t all = directory ? sum_of(directory) : own;
	bool over = server_connections > 0 && all > server_connections;
	struct log_line line;

	log_begin(&line, over ? LOG_WARNING : LOG_INFO, "connection budget");
	log_int(&line, "endpoint_connections", own);
	log_int(&line, "all_endpoints_connections", all);
	if (server_connections > 0)
		log_int(&line, "server_connections", server_connections);
	if (over)
		log_string(&line, "detail",
		           "together the endpoints may ask for more connections than the server has");
	log_end(&line);
	if (settings->env == ENV_PRODUCTION && conninfo_is_neon(&settings->database)
	    && !conninfo_is_pooler(&settings->database))
		log_printf(LOG_INFO, "hint", "Neon's -pooler host takes 10,000 clients, this direct one few");
}
