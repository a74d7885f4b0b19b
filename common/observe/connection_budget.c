#include "observe/connection_budget.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "observe/boards.h"

#define LEFT_OUT_BYTES 1024

int64_t
connection_budget_sum(const char *directory, const char *without, struct buf *names,
                      struct buf *left_out)
{
	void *scope = mem_scope(NULL, "boards");
	struct boards boards;
	int64_t sum = 0;

	boards_read(scope, directory, &boards);
	for (size_t i = 0; i < boards.count; i++) {
		const struct scoreboard *one = boards.all[i];
		int64_t maximum = one->pool_size + one->max_overflow;

		if (!board_is_alive(one) || one->uses_database == 0
		    || (without && strcmp(one->name, without) == 0))
			continue;
		sum += maximum;
		if (names)
			buf_printf(names, ", %s %" PRId64, one->name, maximum);
	}
	if (left_out)
		boards_write_refused(&boards, left_out);
	mem_free(scope);
	return sum;
}

void
connection_budget_log(const struct settings *settings, const char *directory,
                      int64_t server_connections)
{
	int64_t own = settings->database_pool_size + settings->database_max_overflow;
	char left_out_text[LEFT_OUT_BYTES] = "";
	bool over;
	int64_t all = own;
	struct log_line line;
	struct buf left_out;

	buf_init_fixed(&left_out, left_out_text, sizeof(left_out_text));
	if (directory)
		all = connection_budget_sum(directory, NULL, NULL, &left_out);
	over = server_connections > 0 && all > server_connections;
	log_begin(&line, over ? LOG_WARNING : LOG_INFO, "connection budget");
	log_int(&line, "endpoint_connections", own);
	log_int(&line, "all_endpoints_connections", all);
	if (server_connections > 0)
		log_int(&line, "server_connections", server_connections);
	if (over)
		log_string(&line, "detail",
		           "together the endpoints may open more connections than the server has");
	if (left_out.size > 0)
		log_string(&line, "left_out", left_out_text + strlen(", "));
	log_end(&line);
	if (settings->env == ENV_PRODUCTION && conninfo_is_neon(&settings->database)
	    && !conninfo_is_pooler(&settings->database))
		log_printf(LOG_INFO, "hint",
		           "Neon's -pooler host accepts 10,000 clients, this direct host few");
}
