#include "app/app.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/transaction.h"

static struct app_pool
no_pool(void)
{
	return (struct app_pool){ .size = 0 };
}

static void
no_description(const char *method, const char *route, const char *request_id)
{
	(void)method;
	(void)route;
	(void)request_id;
}

bool
app_init(void *owner, struct app *app, const char *name, const struct np_route *routes,
         const struct settings *settings, struct error *err)
{
	const struct connector_options options = {
		.info = &settings->database,
		.persistent = settings->database_connection == CONNECTION_PERSISTENT,
		.pre_ping = settings->database_pool_pre_ping,
		.recycle_s = settings->database_pool_recycle_s,
		.connect_timeout_s = settings->database_connect_timeout_s,
	};

	*app = (struct app){ .name = name,
		             .routes = routes,
		             .settings = settings,
		             .pool = no_pool,
		             .describe = no_description };
	if (!connector_new(owner, &options, &app->connector, err))
		return false;
	if (settings->redis_url)
		app->cache = cache_new(owner, &settings->redis, settings->redis_timeout_ms);
	return true;
}

void
app_log_start(const struct app *app)
{
	const struct settings *settings = app->settings;
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
	log_string(&line, "ignored_parameters", settings->database.warning);
	log_string(&line, "redis", settings->redis_url ? "configured" : "disabled");
	log_end(&line);
}

static const char client_connections[] =
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    " - coalesce(current_setting('reserved_connections', true), '0')::int AS connections";

static void
log_no_database(const struct app *app, const struct error *err)
{
	struct log_line line;

	log_begin(&line, LOG_ERROR, "database not connected");
	log_string(&line, "detail", err->detail);
	log_string(&line, "sqlstate", *err->sqlstate ? err->sqlstate : NULL);
	log_string(&line, "database", app->settings->database.redacted);
	log_end(&line);
}

static void
log_database(const struct connection *connection)
{
	struct log_line line;

	log_begin(&line, LOG_INFO, "database connected");
	log_string(&line, "server_version", connection_server_version(connection));
	log_string(&line, "tls", connection_tls(connection));
	log_ms(&line, "connect_ms", connection->opened_us);
	log_end(&line);
}

bool
app_check_database(struct app *app, int64_t *connections)
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
	bool there = transaction_query(tx, client_connections, NP_NO_VALUES, &row, &err);

	*connections = 0;
	if (there) {
		log_database(transaction_connection(tx));
		if (!parse_int(np_field(row, 0, "connections").text, connections))
			*connections = 0;
	} else {
		log_no_database(app, &err);
	}
	transaction_close(tx);
	return there;
}
