#include "serve/startup_check.h"

#include <unistd.h>

#include "base/exit_code.h"
#include "base/mem.h"
#include "db/transaction.h"
#include "observe/connection_budget.h"

static const char client_connections[] = "SELECT " CONNECTION_BUDGET_SERVER_SQL " AS connections";

void
startup_check_log_settings(const struct settings *settings, const char *sandbox)
{
	struct log_line line;

	log_begin(&line, LOG_INFO, "started");
	log_string(&line, "version", NP_VERSION);
	log_string(&line, "environment", environment_names[settings->env]);
	log_string(&line, "mode", connection_names[settings->database_connection]);
	log_int(&line, "pool_size", settings->database_pool_size);
	log_int(&line, "max_overflow", settings->database_max_overflow);
	log_int(&line, "pool_timeout_s", settings->database_pool_timeout_s);
	log_int(&line, "pool_recycle_s", settings->database_pool_recycle_s);
	log_string(&line, "database", settings->database.redacted);
	log_string(&line, "replica",
	           settings->database_replica_url ? settings->replica.redacted : NULL);
	log_string(&line, "ignored_parameters", settings->database.warning);
	log_string(&line, "redis", settings->redis_url ? "configured" : "disabled");
	log_string(&line, "sandbox", sandbox);
	log_end(&line);
}

static void
log_no_database(const struct settings *settings, const struct error *err)
{
	struct log_line line;

	log_begin(&line, LOG_ERROR, "database not connected");
	log_string(&line, "detail", err->detail);
	log_string(&line, "sqlstate", *err->sqlstate ? err->sqlstate : NULL);
	log_string(&line, "database", settings->database.redacted);
	log_end(&line);
}

static void
log_database(const struct transaction *tx)
{
	const struct connection *connection = transaction_connection(tx);
	struct log_line line;

	log_begin(&line, LOG_INFO, "database connected");
	log_string(&line, "server_version", connection_server_version(connection));
	log_string(&line, "tls", connection_tls(connection));
	log_ms(&line, "connect_ms", transaction_counts(tx).connect.total_us);
	log_end(&line);
}

static void
check_database(const struct app *app, const char *run_dir)
{
	const struct transaction_options options = {
		.connector = app->connector,
		.mode = NP_TX_READ,
		.deadline = deadline_in_ms(app->settings->database_connect_timeout_s * 1000),
		.command_timeout_s = app->settings->database_command_timeout_s,
		.endpoint = app->name,
		.request_id = "start",
	};
	struct transaction *tx = transaction_new(mem_process(), &options);
	struct np_rows *row;
	struct error err;

	if (transaction_query(tx, client_connections, NO_VALUES, &row, &err)) {
		log_database(tx);
		connection_budget_log(app->settings, run_dir,
		                      np_field(row, 0, "connections").integer);
	} else {
		log_no_database(app->settings, &err);
	}
	transaction_close(tx);
}

static int
run_check(const struct inheritance *own, const void *run_dir)
{
	const struct app *app = child_app(own);

	if (!app)
		return EXIT_INTERNAL;
	check_database(app, run_dir);
	/* At once: the master may kill this process at any moment, and a leak checker would say so
	 * in the middle of the log. */
	_exit(EXIT_DONE);
}

pid_t
startup_check_fork(const struct inheritance *master, const char *run_dir)
{
	pid_t pid;

	if (!app_uses_database(master->routes))
		return 0;
	if (master->settings->database_pool_size == 0) {
		connection_budget_log(master->settings, run_dir, 0);
		return 0;
	}
	pid = child_fork(master, CHILD_STARTUP_CHECK, run_check, run_dir);
	return pid > 0 ? pid : 0;
}
