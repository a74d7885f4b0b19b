#include "config/settings.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/near_names.h"
#include "config/settings_check.h"

#define DAY_S              INT64_C(86400)

#define WARNINGS_MAX_BYTES 65536

static const char *const algorithm_names[] = { "HS256", NULL };

enum setting_type {
	TEXT,   /* const char *; NULL if not set; with choices, one of them */
	SWITCH, /* bool */
	NUMBER, /* int64_t from min to max */
	CHOICE, /* int64_t, an index into choices */
};

struct setting {
	const char *name;
	enum setting_type type;
	size_t offset; /* in struct settings */
	const char *default_value[ENV__MAX];
	int64_t min, max;
	const char *const *choices;
	const char *alias;
	bool secret;
};

#define AT(member) offsetof(struct settings, member)
#define EVERYWHERE(value)           \
	{                           \
		value, value, value \
	}
#define PER_ENV(develop, testing, production) \
	{                                     \
		develop, testing, production  \
	}

/* The table of all settings. ENV is first, because it selects the defaults of the other rows. */
static const struct setting table[] = {
	{ "ENV", CHOICE, AT(env), EVERYWHERE("development"), .choices = environment_names,
	  .alias = "APP_ENV" },
	{ "SERVERLESS", SWITCH, AT(serverless), EVERYWHERE("false") },
	{ "APP_NAME", TEXT, AT(app_name), EVERYWHERE("nullpool") },
	{ "DEBUG", SWITCH, AT(debug), EVERYWHERE("false") },
	{ "LOG_LEVEL", CHOICE, AT(log_level), EVERYWHERE("info"), .choices = log_level_names },
	{ "LOG_FORMAT", CHOICE, AT(log_format), EVERYWHERE("auto"), .choices = log_format_names },
	{ "SLOW_QUERY_MS", NUMBER, AT(slow_query_ms), EVERYWHERE("200"), 0, 3600000 },
	{ "SLOW_QUERY_EXPLAIN", SWITCH, AT(slow_query_explain), EVERYWHERE("false") },
	{ "SLOW_REQUEST_MS", NUMBER, AT(slow_request_ms), EVERYWHERE("1000"), 0, 3600000 },
	{ "OTEL_EXPORTER_OTLP_ENDPOINT", TEXT, AT(otlp_endpoint), EVERYWHERE(NULL) },
	{ "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", TEXT, AT(otlp_traces_endpoint), EVERYWHERE(NULL) },
	{ "OTEL_EXPORTER_OTLP_HEADERS", TEXT, AT(otlp_headers), EVERYWHERE(NULL), .secret = true },
	{ "OTEL_EXPORTER_OTLP_TIMEOUT", NUMBER, AT(otlp_timeout_ms), EVERYWHERE("10000"), 1,
	  600000 },
	{ "OTEL_SDK_DISABLED", TEXT, AT(otel_sdk_disabled), EVERYWHERE(NULL) },
	{ "OTEL_SERVICE_NAME", TEXT, AT(otel_service_name), EVERYWHERE(NULL) },
	{ "OTEL_RESOURCE_ATTRIBUTES", TEXT, AT(otel_resource_attributes), EVERYWHERE(NULL) },
	{ "OTEL_TRACES_SAMPLER", TEXT, AT(otel_traces_sampler), EVERYWHERE(NULL) },
	{ "OTEL_TRACES_SAMPLER_ARG", TEXT, AT(otel_traces_sampler_arg), EVERYWHERE(NULL) },
	{ "DATABASE_URL", TEXT, AT(database_url), EVERYWHERE(NULL), .alias = "NEON_DATABASE_URL",
	  .secret = true },
	{ "DB_HOST", TEXT, AT(db_host), EVERYWHERE(NULL) },
	{ "DB_PORT", NUMBER, AT(db_port), EVERYWHERE("5432"), 1, 65535 },
	{ "DB_NAME", TEXT, AT(db_name), EVERYWHERE(NULL) },
	{ "DB_USER", TEXT, AT(db_user), EVERYWHERE(NULL) },
	{ "DB_PASSWORD", TEXT, AT(db_password), EVERYWHERE(NULL), .secret = true },
	{ "DATABASE_REPLICA_URL", TEXT, AT(database_replica_url), EVERYWHERE(NULL),
	  .secret = true },
	{ "MIGRATION_DATABASE_URL", TEXT, AT(migration_database_url), EVERYWHERE(NULL),
	  .secret = true },
	{ "DATABASE_CONNECTION", CHOICE, AT(database_connection),
	  PER_ENV("persistent", "null", "null"), .choices = connection_names },
	{ "DATABASE_AHEAD_TTL", NUMBER, AT(database_ahead_ttl_s), EVERYWHERE("10"), 1, 3600 },
	{ "DATABASE_SSLNEGOTIATION", CHOICE, AT(database_sslnegotiation), EVERYWHERE("auto"),
	  .choices = negotiation_names },
	{ "PGSSLMODE", TEXT, AT(pgsslmode), EVERYWHERE(NULL) },
	{ "PGSSLROOTCERT", TEXT, AT(pgsslrootcert), EVERYWHERE(NULL) },
	{ "DATABASE_SCRAM_CLIENT_KEY", TEXT, AT(database_scram_client_key), EVERYWHERE(NULL),
	  .secret = true },
	{ "DATABASE_SCRAM_SERVER_KEY", TEXT, AT(database_scram_server_key), EVERYWHERE(NULL),
	  .secret = true },
	{ "DATABASE_POOL_SIZE", NUMBER, AT(database_pool_size), EVERYWHERE("5"), 0, 1000 },
	{ "DATABASE_MAX_OVERFLOW", NUMBER, AT(database_max_overflow), EVERYWHERE("15"), 0, 1000 },
	{ "DATABASE_POOL_TIMEOUT", NUMBER, AT(database_pool_timeout_s), EVERYWHERE("30"), 1, 3600 },
	{ "DATABASE_POOL_RECYCLE", NUMBER, AT(database_pool_recycle_s), EVERYWHERE("3600"), -1,
	  30 * DAY_S },
	{ "DATABASE_POOL_PRE_PING", SWITCH, AT(database_pool_pre_ping), EVERYWHERE("true") },
	{ "DATABASE_CONNECT_TIMEOUT", NUMBER, AT(database_connect_timeout_s), EVERYWHERE("30"), 1,
	  3600 },
	{ "DATABASE_COMMAND_TIMEOUT", NUMBER, AT(database_command_timeout_s), EVERYWHERE("60"), 1,
	  3600 },
	{ "REQUEST_TIMEOUT", NUMBER, AT(request_timeout_s), EVERYWHERE("60"), 1, 3600 },
	{ "WORKER_IDLE_TIMEOUT", NUMBER, AT(worker_idle_timeout_s), EVERYWHERE("30"), 1, DAY_S },
	{ "WORKER_MAX_REQUESTS", NUMBER, AT(worker_max_requests), EVERYWHERE("0"), 0, INT64_MAX },
	{ "WORKER_SANDBOX", CHOICE, AT(worker_sandbox), PER_ENV("errno", "kill", "errno"),
	  .choices = sandbox_names },
	{ "MASTER_IDLE_TIMEOUT", NUMBER, AT(master_idle_timeout_s), EVERYWHERE("0"), 0, DAY_S },
	{ "REDIS_URL", TEXT, AT(redis_url), EVERYWHERE(NULL), .secret = true },
	{ "REDIS_TIMEOUT_MS", NUMBER, AT(redis_timeout_ms), EVERYWHERE("50"), 1, 5000 },
	{ "CACHE_TTL", NUMBER, AT(cache_ttl_s), EVERYWHERE("60"), 1, 30 * DAY_S },
	{ "SECRET_KEY", TEXT, AT(secret_key), EVERYWHERE(NULL), .secret = true },
	{ "SECRET_KEY_PREVIOUS", TEXT, AT(secret_key_previous), EVERYWHERE(NULL), .secret = true },
	{ "ALGORITHM", TEXT, AT(algorithm), EVERYWHERE("HS256"), .choices = algorithm_names },
	{ "ACCESS_TOKEN_EXPIRE_MINUTES", NUMBER, AT(access_token_expire_minutes),
	  EVERYWHERE("1440"), 1, 525600 },
	{ "AUTH_SCHEME", TEXT, AT(auth_scheme), EVERYWHERE(NULL) },
	{ "JWT_JWKS", TEXT, AT(jwt_jwks), EVERYWHERE(NULL) },
	{ "JWT_ISSUER", TEXT, AT(jwt_issuer), EVERYWHERE(NULL) },
	{ "JWT_AUDIENCE", TEXT, AT(jwt_audience), EVERYWHERE(NULL) },
	{ "JWT_SCOPE_CLAIM", TEXT, AT(jwt_scope_claim), EVERYWHERE("scope") },
	{ "FETCH_PRIVATE", SWITCH, AT(fetch_private), EVERYWHERE("false") },
	{ "FETCH_CA_FILE", TEXT, AT(fetch_ca_file), EVERYWHERE(NULL) },
	{ "API_PREFIX", TEXT, AT(api_prefix), EVERYWHERE("") },
	{ "CORS_ORIGINS", TEXT, AT(cors_origins), PER_ENV("http://localhost:5173", NULL, NULL) },
	{ "DOCS", SWITCH, AT(docs), PER_ENV("true", "true", "false") },
	{ "HEALTH_DETAILS", SWITCH, AT(health_details), PER_ENV("true", "true", "false") },
	{ "SERVER_TIMING", SWITCH, AT(server_timing), EVERYWHERE("false") },
};
_Static_assert(COUNT_OF(table) <= SETTINGS_MAX, "struct settings has a text for each row");

static void
add_choice_fault(struct buf *faults, const struct setting *row)
{
	buf_printf(faults, "%s: must be one of:", row->name);
	for (size_t i = 0; row->choices[i]; i++)
		buf_printf(faults, "%s %s", i ? "," : "", row->choices[i]);
	buf_char(faults, '\n');
}

/* Stores a text as the row's type. On a fault the default, which was stored before, stays. */
static void
store_text(struct settings *settings, const struct setting *row, const char *text,
           struct buf *faults)
{
	char *at = (char *)settings + row->offset;
	int64_t number;
	bool yes;

	switch (row->type) {
	case TEXT:
		if (text && row->choices && !choice_parse(text, row->choices, &number))
			add_choice_fault(faults, row);
		memcpy(at, &text, sizeof(text));
		break;
	case SWITCH:
		if (switch_parse(text, &yes))
			memcpy(at, &yes, sizeof(yes));
		else
			buf_printf(faults, "%s: must be true or false\n", row->name);
		break;
	case NUMBER:
		if (parse_int(text, &number) && number >= row->min && number <= row->max)
			memcpy(at, &number, sizeof(number));
		else
			buf_printf(faults,
			           "%s: must be a whole number from %" PRId64 " to %" PRId64 "\n",
			           row->name, row->min, row->max);
		break;
	case CHOICE:
		if (choice_parse(text, row->choices, &number))
			memcpy(at, &number, sizeof(number));
		else
			add_choice_fault(faults, row);
		break;
	}
}

/* Returns true if the setting is set, by its name or its alias, where in_file says or where it
 * would win. */
static bool
is_set(const struct sources *sources, bool in_file, const struct setting *row)
{
	return sources_has(sources, in_file, row->name)
	       || (row->alias && sources_has(sources, in_file, row->alias));
}

static bool
is_near(const char *name, const struct setting *row)
{
	return names_are_near(name, row->name) || (row->alias && names_are_near(name, row->alias));
}

static bool
is_name_of(const struct setting *row, const char *name)
{
	return strcmp(name, row->name) == 0 || (row->alias && strcmp(name, row->alias) == 0);
}

/* Returns true if it is the name of a setting of ours, or a misspelling of one. */
static bool
is_nearly_ours(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (is_name_of(&table[i], name) || is_near(name, &table[i]))
			return true;
	return false;
}

const char *
settings_fault(void *owner, const struct np_settings *declared)
{
	const char *fault = own_settings_fault(owner, declared);

	for (size_t i = 0; !fault && i < own_settings_count(declared); i++)
		if (is_nearly_ours(declared->items[i]->name))
			fault = mem_printf(owner,
			                   "setting %s: is the name of a setting of the library,"
			                   " or too near to one",
			                   declared->items[i]->name);
	return fault;
}

/* Returns the setting that a name misspells, or NULL. A setting that is itself set is not meant. */
static const struct setting *
meant_by(const struct sources *sources, bool in_file, const char *name)
{
	const struct setting *meant = NULL;

	for (size_t i = 0; i < COUNT_OF(table); i++) {
		const struct setting *row = &table[i];

		if (is_name_of(row, name))
			return NULL;
		if (!meant && is_near(name, row) && !is_set(sources, in_file, row))
			meant = row;
	}
	return meant;
}

static void
report_misspelling(const struct sources *sources, bool in_file, const char *name, struct buf *out)
{
	const struct setting *meant = meant_by(sources, in_file, name);

	if (meant)
		buf_printf(out, "%s: is not a setting; did you mean %s? (%s)\n", name, meant->name,
		           in_file ? sources->file_name : "environment");
}

/* The settings file also has settings of other programs, whose names may be near: a warning. */
static void
report_own_misspelling(const struct sources *sources, const struct np_settings *declared,
                       bool in_file, const char *name, struct buf *warnings)
{
	const struct np_setting *meant = NULL;

	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (is_name_of(&table[i], name))
			return;
	for (size_t i = 0; i < own_settings_count(declared); i++) {
		const struct np_setting *setting = declared->items[i];

		if (strcmp(name, setting->name) == 0)
			return;
		if (names_are_near(name, setting->name)
		    && !sources_has(sources, in_file, setting->name))
			meant = setting;
	}
	if (meant)
		buf_printf(warnings,
		           "%s: is not a setting of this program; did you mean %s? (%s)\n", name,
		           meant->name, in_file ? sources->file_name : "environment");
}

/* A misspelling is a fault in the file, which is written for this program, and a warning in the
 * environment, which also has variables of other programs. */
static void
check_names(const struct sources *sources, const struct np_settings *declared, struct buf *warnings)
{
	for (size_t i = 0; i < sources->file.count; i++) {
		const char *name = sources->file.entries[i].name;

		report_misspelling(sources, true, name, sources->faults);
		report_own_misspelling(sources, declared, true, name, warnings);
	}
	for (char *const *entry = sources->environment; *entry; entry++) {
		const char *equals = strchr(*entry, '='), *name;

		if (!equals || !equals[1])
			continue;
		name = mem_strndup(sources->owner, *entry, (size_t)(equals - *entry));
		report_misspelling(sources, false, name, warnings);
		report_own_misspelling(sources, declared, false, name, warnings);
	}
}

static void
read_row(const struct sources *sources, struct settings *settings, const struct setting *row,
         struct source_text *found)
{
	const char *default_value = row->default_value[settings->env];

	*found = sources_find(sources, row->name, row->alias, row->secret);
	if (row->secret)
		log_secret(found->text);
	if (default_value || row->type == TEXT)
		store_text(settings, row, default_value, sources->faults);
	if (found->text)
		store_text(settings, row, found->text, sources->faults);
}

bool
settings_read(void *owner, char *const *environment, const struct np_settings *declared,
              struct settings *settings, struct buf *faults)
{
	struct sources sources;
	struct buf warnings;

	memset(settings, 0, sizeof(*settings));
	buf_init(&warnings, owner, WARNINGS_MAX_BYTES);
	sources_open(&sources, owner, environment, faults);
	for (size_t i = 0; i < COUNT_OF(table); i++)
		read_row(&sources, settings, &table[i], &settings->texts[i]);
	own_settings_read(&sources, declared, &settings->own);
	if (settings->env == ENV_PRODUCTION && sources.file_name && sources.file_is_exposed)
		buf_printf(faults,
		           "%s: \"%s\" is accessible to other users (run chmod o-rw on it)\n",
		           ENV_FILE, sources.file_name);
	check_names(&sources, declared, &warnings);
	settings_check(owner, settings, faults, &warnings);
	settings->warnings = warnings.data;
	return faults->size == 0;
}

void
settings_hide_environment(const struct np_settings *declared)
{
	static bool done;

	for (size_t i = 0; i < COUNT_OF(table) && !done; i++)
		if (table[i].secret) {
			source_hide_variable(table[i].name);
			if (table[i].alias)
				source_hide_variable(table[i].alias);
		}
	for (size_t i = 0; i < own_settings_count(declared) && !done; i++)
		if (declared->items[i]->secret)
			source_hide_variable(declared->items[i]->name);
	done = true;
}

/* Returns the text of a value; a number is written into `storage`. */
static const char *
text_of(const struct settings *settings, const struct setting *row, char storage[INT_TEXT_BYTES])
{
	const char *at = (const char *)settings + row->offset, *text;
	int64_t number;
	bool yes;

	switch (row->type) {
	case TEXT:
		memcpy(&text, at, sizeof(text));
		return !text || !*text ? "-" : row->secret ? "***" : text;
	case SWITCH:
		memcpy(&yes, at, sizeof(yes));
		return yes ? "true" : "false";
	case NUMBER:
		memcpy(&number, at, sizeof(number));
		(void)text_of_int(number, storage);
		return storage;
	case CHOICE:
		memcpy(&number, at, sizeof(number));
		return row->choices[number];
	}
	return "-";
}

void
settings_print(const struct settings *settings, struct buf *out)
{
	char storage[INT_TEXT_BYTES];

	for (size_t i = 0; i < COUNT_OF(table); i++)
		buf_printf(out, SETTING_LINE, table[i].name, text_of(settings, &table[i], storage),
		           settings->texts[i].source);
	own_settings_print(&settings->own, out);
}
