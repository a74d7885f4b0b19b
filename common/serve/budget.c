#include "serve/budget.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "serve/scoreboard.h"

int64_t
budget_sum(const char *directory, const char *without, struct buf *names)
{
	void *scope = mem_scope(NULL, "boards");
	const struct scoreboard **boards;
	size_t count = scoreboard_all(scope, directory, &boards);
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t most = boards[i]->size + boards[i]->overflow;

		if (!scoreboard_is_alive(boards[i]) || !boards[i]->uses_database
		    || (without && strcmp(boards[i]->name, without) == 0))
			continue;
		sum += most;
		if (names)
			buf_printf(names, ", %s %" PRId64, boards[i]->name, most);
	}
	mem_free(scope);
	return sum;
}

void
budget_log(const struct settings *settings, const char *directory, int64_t server_connections)
{
	int64_t own = settings->database_pool_size + settings->database_max_overflow;
	int64_t all = directory ? budget_sum(directory, NULL, NULL) : own;
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
