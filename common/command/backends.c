#include "command/backends.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "db/transaction.h"

static const char backend_pid[] = "SELECT pg_backend_pid() AS pid";

/* Runs the read as the first and only statement of a request. */
static bool
run_read(struct app *app, void *scope, int64_t number)
{
	const struct transaction_options options = {
		.connector = app->connector,
		.mode = NP_TX_READ,
		.deadline = deadline_in_ms(app->settings->request_timeout_s * 1000),
		.command_timeout_s = app->settings->database_command_timeout_s,
		.endpoint = app->name,
		.request_id = "backends",
	};
	struct transaction *tx = transaction_new(scope, &options);
	int64_t start_us = clock_now_us();
	struct transaction_counts counts;
	struct np_rows *row;
	struct error err;
	bool ok = transaction_query(tx, backend_pid, NO_VALUES, &row, &err);

	counts = transaction_counts(tx);
	if (ok)
		(void)printf("%4" PRId64 "  backend %-8s  %-6s  %2d round trips  %8.2f ms\n",
		             number, np_field(row, 0, "pid").text,
		             counts.connect.round_trips > 0 ? "opened" : "reused",
		             counts.connect.round_trips + counts.flights,
		             clock_ms(clock_now_us() - start_us));
	else
		log_printf(LOG_ERROR, "no answer from the database", "%s", err.detail);
	transaction_close(tx);
	return ok;
}

bool
backends_run(struct app *app, int64_t reads)
{
	bool ok = true;

	for (int64_t number = 1; ok && number <= reads; number++) {
		void *scope = mem_scope(mem_process(), "read");

		ok = run_read(app, scope, number);
		mem_free(scope);
	}
	return ok;
}
