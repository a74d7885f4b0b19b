#include "command/backends.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "db/transaction.h"

static const char backend[] = "SELECT pg_backend_pid() AS pid";

/* As one request's first and only query. */
static bool
ask(struct app *app, void *scope, int64_t number)
{
	const struct transaction_options options = {
		.connector = app->connector,
		.mode = NP_TX_READ,
		.deadline = deadline_in_ms(app->settings->request_timeout_s * 1000),
		.command_timeout_s = app->settings->database_command_timeout_s,
		.endpoint = app->name,
		.request_id = "pool",
	};
	struct transaction *tx = transaction_new(scope, &options);
	int64_t start_us = clock_now_us();
	struct transaction_counts counts;
	struct np_rows *row;
	struct error err;
	bool there = transaction_query(tx, backend, NP_NO_VALUES, &row, &err);

	counts = transaction_counts(tx);
	if (there)
		(void)printf("%4" PRId64 "  backend %-8s  %-6s  %2d round trips  %8.2f ms\n",
		             number, np_field(row, 0, "pid").text,
		             counts.connect.round_trips > 0 ? "opened" : "kept",
		             counts.connect.round_trips + counts.flights,
		             (double)(clock_now_us() - start_us) / 1000);
	else
		log_printf(LOG_ERROR, "no answer from the database", "%s", err.detail);
	transaction_close(tx);
	return there;
}

bool
backends_run(struct app *app, int64_t requests)
{
	bool good = true;

	for (int64_t number = 1; good && number <= requests; number++) {
		void *scope = mem_scope(mem_process(), "request");

		good = ask(app, scope, number);
		mem_free(scope);
	}
	return good;
}
