#include <fcntl.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "config/secret_key.h"
#include "config/settings.h"
#include "unit.h"

#define URL       "DATABASE_URL=postgres://u:p4ssw0rd@h/d"
#define URL_TLS   "DATABASE_URL=postgres://u:p4ssw0rd@h/d?sslmode=require"
#define FILE_NAME "NULLPOOL_ENV_FILE"

/* A key that is made for each run, because keys in the repository are refused. */
static char random_key[sizeof("SECRET_KEY=") + 64] = "SECRET_KEY=";

struct reading {
	struct settings settings;
	struct buf faults;
	bool ok;
};

/* Reads settings from up to 31 "NAME=value" entries, which end with NULL. The log borrows secrets
 * for the life of the process, so their owner must live as long. */
static struct reading
read_entries(const char *const *entries)
{
	struct reading reading;
	char *environment[32] = { NULL };

	for (size_t i = 0; entries[i]; i++)
		environment[i] = mem_strdup(mem_process(), entries[i]);
	buf_init(&reading.faults, mem_process(), 65536);
	reading.ok = settings_read(mem_process(), environment, NULL, &reading.settings,
	                           &reading.faults);
	assert_int_equal(reading.ok, reading.faults.size == 0);
	return reading;
}
#define READ(...) read_entries((const char *const[]){ __VA_ARGS__, NULL })

static struct reading
read_valid(const char *const *entries)
{
	struct reading reading = read_entries(entries);

	if (!reading.ok)
		fail_msg("%s", reading.faults.data);
	return reading;
}
#define VALID(...) read_valid((const char *const[]){ __VA_ARGS__, NULL })

static size_t
lines_of(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* Returns true if a line of the faults begins with the name. */
static bool
is_faulted(const struct reading *reading, const char *name)
{
	const char *line = reading->faults.data;
	size_t size = strlen(name);

	while (line) {
		if (strncmp(line, name, size) == 0 && (line[size] == ':' || line[size] == ','))
			return true;
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return false;
}

/* A temporary directory, which is the working directory while the tests run. */
static char home[] = "/tmp/test_settings.XXXXXX";

static void
write_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static int
remove_files(void **state)
{
	(void)state;
	(void)unlink(".env");
	(void)unlink("other.env");
	return 0;
}

static int
enter_home(void **state)
{
	(void)state;
	return mkdtemp(home) && chdir(home) == 0 ? 0 : -1;
}

static int
leave_home(void **state)
{
	(void)remove_files(state);
	mem_end();
	return chdir("/") == 0 && rmdir(home) == 0 ? 0 : -1;
}

/* --- where a value comes from --- */

static void
development_needs_only_a_url(void **state)
{
	struct settings settings = VALID(URL).settings;

	(void)state;
	assert_int_equal(settings.env, ENV_DEVELOPMENT);
	assert_string_equal(settings.app_name, "nullpool");
	assert_int_equal(settings.log_level, LOG_INFO);
	assert_int_equal(settings.database_pool_size, 5);
	assert_int_equal(settings.database_max_overflow, 15);
	assert_int_equal(settings.database_pool_timeout_s, 30);
	assert_int_equal(settings.database_pool_recycle_s, 3600);
	assert_true(settings.database_pool_pre_ping);
	assert_int_equal(settings.database_connect_timeout_s, 30);
	assert_int_equal(settings.database_command_timeout_s, 60);
	assert_int_equal(settings.request_timeout_s, 60);
	assert_int_equal(settings.worker_idle_timeout_s, 30);
	assert_int_equal(settings.worker_max_requests, 0);
	assert_null(settings.redis_url);
	assert_int_equal(settings.redis_timeout_ms, 50);
	assert_int_equal(settings.cache_ttl_s, 60);
	assert_null(settings.secret_key);
	assert_string_equal(settings.algorithm, "HS256");
	assert_int_equal(settings.access_token_expire_minutes, 1440);
	assert_string_equal(conninfo_get(&settings.database, "host"), "h");
}

static const struct env_row {
	const char *about;
	const char *env;
	int64_t value;
	enum connection_mode mode;
	const char *origins;
	const char *sslmode;
	bool health_details;
} env_rows[] = {
	{ "development", "ENV=development", ENV_DEVELOPMENT, CONNECTION_PERSISTENT,
	  "http://localhost:5173", NULL, true },
	{ "testing", "ENV=testing", ENV_TESTING, CONNECTION_NULL, NULL, "require", true },
	{ "production", "ENV=production", ENV_PRODUCTION, CONNECTION_NULL, NULL, "require", false },
	{ "any case", "ENV=Production", ENV_PRODUCTION, CONNECTION_NULL, NULL, "require", false },
	{ "alias", "APP_ENV=production", ENV_PRODUCTION, CONNECTION_NULL, NULL, "require", false },
};

static void
each_environment_has_its_defaults(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(env_rows); i++) {
		const struct env_row *row = &env_rows[i];
		struct settings settings = VALID(row->env, URL).settings;

		row_int(row, settings.env, row->value);
		row_int(row, settings.database_connection, row->mode);
		row_text(row, settings.cors_origins, row->origins);
		row_text(row, conninfo_get(&settings.database, "sslmode"), row->sslmode);
		row_int(row, settings.health_details, row->health_details);
	}
}

static void
the_default_file_may_be_absent(void **state)
{
	(void)state;
	assert_true(VALID(URL).ok);
}

static void
the_default_file_is_read_if_it_exists(void **state)
{
	(void)state;
	write_file(".env", URL "\nAPP_NAME=\"from .env\"\n", 0600);
	assert_string_equal(VALID("PATH=/bin").settings.app_name, "from .env");
}

static void
a_named_file_replaces_the_default_file(void **state)
{
	(void)state;
	write_file(".env", "APP_NAME=wrong\n", 0600);
	write_file("other.env", URL "\nAPP_NAME=right\n", 0600);
	assert_string_equal(VALID(FILE_NAME "=other.env").settings.app_name, "right");
}

static void
a_named_file_must_exist(void **state)
{
	struct reading reading = READ(FILE_NAME "=missing.env", URL);

	(void)state;
	assert_false(reading.ok);
	assert_true(is_faulted(&reading, FILE_NAME));
	assert_int_equal(lines_of(reading.faults.data), 1);
}

static void
the_default_file_must_exist_if_it_is_named(void **state)
{
	(void)state;
	assert_false(READ(FILE_NAME "=.env", URL).ok);
}

static void
an_empty_file_name_means_the_default_file(void **state)
{
	(void)state;
	write_file(".env", "APP_NAME=x\n", 0600);
	assert_string_equal(VALID(FILE_NAME "=", URL).settings.app_name, "x");
}

static void
a_directory_as_file_is_a_fault(void **state)
{
	struct reading reading = READ(FILE_NAME "=/", URL);

	(void)state;
	assert_true(is_faulted(&reading, FILE_NAME));
}

static void
a_malformed_file_is_reported_by_line_and_not_by_text(void **state)
{
	struct reading reading;

	(void)state;
	write_file(".env", "APP_NAME=x\nDB_PASSWORD='c4n4ry\n", 0600);
	reading = READ(URL);
	assert_true(is_faulted(&reading, FILE_NAME));
	assert_non_null(strstr(reading.faults.data, "line 2"));
	assert_null(strstr(reading.faults.data, "c4n4ry"));
}

static void
a_file_that_is_too_long_is_refused(void **state)
{
	char *text = mem_resize(*state, NULL, 70001);

	memset(text, '\n', 70000);
	text[70000] = '\0';
	write_file(".env", text, 0600);
	assert_false(READ(URL).ok);
}

static void
the_environment_wins_over_the_file(void **state)
{
	struct settings settings;

	(void)state;
	write_file(".env", "APP_NAME=file\nCACHE_TTL=7\nREDIS_TIMEOUT_MS=8\n", 0600);
	settings = VALID(URL, "APP_NAME=environment", "CACHE_TTL=9").settings;
	assert_string_equal(settings.app_name, "environment");
	assert_int_equal(settings.cache_ttl_s, 9);
	assert_int_equal(settings.redis_timeout_ms, 8);
}

static void
an_empty_value_is_not_set(void **state)
{
	struct settings settings;

	(void)state;
	write_file(".env",
	           "APP_NAME=file\nCACHE_TTL=\nDATABASE_REPLICA_URL=\nENV=\nAPP_ENV=testing\n",
	           0600);
	settings = VALID(URL, "APP_NAME=", "SERVERLESS=", "DATABASE_POOL_SIZE=", "SECRET_KEY=")
	               .settings;
	assert_string_equal(settings.app_name, "file");
	assert_int_equal(settings.env, ENV_TESTING);
	assert_null(settings.secret_key);
	assert_false(settings.serverless);
	assert_int_equal(settings.database_pool_size, 5);
	assert_int_equal(settings.cache_ttl_s, 60);
	assert_null(settings.database_replica_url);
}

static void
an_empty_credential_is_not_set(void **state)
{
	(void)state;
	write_file(".env", random_key, 0600);
	write_file("SECRET_KEY", "\n", 0600);
	assert_non_null(VALID(URL, "CREDENTIALS_DIRECTORY=.").settings.secret_key);
	assert_int_equal(unlink("SECRET_KEY"), 0);
}

/* In production too, although others can read /dev/null. */
static void
dev_null_means_no_file(void **state)
{
	(void)state;
	write_file(".env", "APP_NAME=file\n", 0644);
	assert_string_equal(
	    VALID(URL_TLS, random_key, "ENV=production", FILE_NAME "=/dev/null").settings.app_name,
	    "nullpool");
}

static void
an_unresolved_reference_is_a_fault_of_its_setting(void **state)
{
	struct reading reading;

	(void)state;
	write_file(".env", "OTHERS=${NO}\nREDIS_URL=${NO}\nAPP_NAME=a${PART}\n", 0600);
	assert_string_equal(VALID(URL, "PART=b").settings.app_name, "ab");
	reading = READ(URL);
	assert_false(reading.ok);
	assert_true(is_faulted(&reading, "APP_NAME"));
	assert_int_equal(lines_of(reading.faults.data), 1);
	assert_true(VALID(URL, "APP_NAME=c").ok);
}

static const struct near_row {
	const char *about;
	const char *name;
	const char *meant; /* NULL: not a misspelling */
} near_rows[] = {
	{ "a letter is missing", "DATABSE_POOL_SIZE", "DATABASE_POOL_SIZE" },
	{ "an underscore is missing", "DATABASE_POOLSIZE", "DATABASE_POOL_SIZE" },
	{ "two letters are swapped", "REQUEST_TIEMOUT", "REQUEST_TIMEOUT" },
	{ "two edits in a long name", "DATABSE_POOL_SISE", "DATABASE_POOL_SIZE" },
	{ "an extra letter", "SECRET_KEYY", "SECRET_KEY" },
	{ "the word of another tool", "REDIS_URI", "REDIS_URL" },
	{ "the singular", "CORS_ORIGIN", "CORS_ORIGINS" },
	{ "lower case", "cache_ttl", "CACHE_TTL" },
	{ "near an alias", "APPENV", "ENV" },
	{ "a plural", "APP_NAMES", NULL },
	{ "a plural that is not set", "DB_HOSTS", NULL },
	{ "a number behind", "REDIS_URL2", NULL },
	{ "a number behind an underscore", "REDIS_URL_2", NULL },
	{ "three edits", "DATABSE_POL_SISE", NULL },
	{ "two edits in a short name", "RDIS_UR", NULL },
	{ "short names are near to too much", "DOC", NULL },
	{ "a variable of another program", "SENTRY_DSN", NULL },
	{ "a setting", "LOG_LEVEL", NULL },
	{ "an alias", "APP_ENV", NULL },
	{ "longer than any setting",
	  "DATABASE_POOL_SIZE_DATABASE_POOL_SIZE_DATABASE_POOL_SIZE_DATABASE_POOL_SIZE", NULL },
};

static const char *
value_for(const struct near_row *row)
{
	return strcmp(row->name, "LOG_LEVEL") == 0 ? "info" : "testing";
}

static void
a_misspelled_name_in_the_file_is_a_fault_with_a_suggestion(void **state)
{
	for (size_t i = 0; i < COUNT_OF(near_rows); i++) {
		const struct near_row *row = &near_rows[i];
		struct reading reading;

		write_file(".env", mem_printf(*state, "%s=%s\n", row->name, value_for(row)), 0600);
		reading = READ(URL);
		row_int(row, reading.ok, row->meant == NULL);
		row_text(row, reading.faults.data,
		         row->meant
		             ? mem_printf(*state, "%s: is not a setting; did you mean %s? (.env)\n",
		                          row->name, row->meant)
		             : "");
	}
}

static void
a_misspelled_name_in_the_environment_is_a_warning(void **state)
{
	for (size_t i = 0; i < COUNT_OF(near_rows); i++) {
		const struct near_row *row = &near_rows[i];
		struct settings settings =
		    VALID(URL, mem_printf(*state, "%s=%s", row->name, value_for(row))).settings;

		row_text(row, settings.warnings,
		         row->meant ? mem_printf(
		             *state, "%s: is not a setting; did you mean %s? (environment)\n",
		             row->name, row->meant)
		                    : "");
	}
	write_file(".env", "DB_HOST=h\nDBHOST=g\nCACHE_TTL=3\n", 0600);
	assert_string_equal(
	    VALID(URL, "CACHE_TTTL=4").settings.warnings,
	    "CACHE_TTTL: is not a setting; did you mean CACHE_TTL? (environment)\n");
	write_file(".env", "DATABASE_URI=postgresql+psycopg://u@h/d\n", 0600);
	assert_string_equal(VALID(URL).settings.warnings, "");
	assert_false(READ("NEON=1").ok);
	assert_string_equal(VALID(URL, "DATABSE_POOL_SIZE=").settings.warnings, "");
	assert_string_equal(
	    VALID(URL, "DB_HOST=h", "DBHOST=g", "NEON_DATABASE_URI=x").settings.warnings, "");
}

static void
an_alias_is_used_if_the_name_is_not_set(void **state)
{
	struct settings settings = VALID("NEON_DATABASE_URL=postgres://u@neon/d").settings;

	(void)state;
	assert_string_equal(conninfo_get(&settings.database, "host"), "neon");
	settings = VALID("NEON_DATABASE_URL=postgres://u@neon/d", "DATABASE_URL=postgres://u@own/d")
	               .settings;
	assert_string_equal(conninfo_get(&settings.database, "host"), "own");
}

/* Otherwise a leftover .env would turn a production host into a development one. */
static void
an_alias_in_the_environment_wins_over_the_name_in_the_file(void **state)
{
	(void)state;
	write_file(".env", "ENV=development\n", 0600);
	assert_int_equal(VALID("APP_ENV=production", URL).settings.env, ENV_PRODUCTION);
}

static void
parts_replace_a_url(void **state)
{
	struct settings settings = VALID("DB_HOST=h", "DB_PORT=5433", "DB_NAME=d", "DB_USER=u",
	                                 "DB_PASSWORD=p@ss/w")
	                               .settings;

	(void)state;
	assert_string_equal(conninfo_get(&settings.database, "port"), "5433");
	assert_string_equal(conninfo_get(&settings.database, "password"), "p@ss/w");
	assert_string_equal(settings.database.redacted, "postgresql://u:***@h:5433/d");
}

static void
migrations_use_the_database_unless_they_have_their_own(void **state)
{
	struct settings settings = VALID(URL).settings;

	(void)state;
	assert_string_equal(conninfo_get(&settings.migration, "host"), "h");
	settings = VALID(URL, "MIGRATION_DATABASE_URL=postgres://owner@direct/d").settings;
	assert_string_equal(conninfo_get(&settings.migration, "user"), "owner");
	assert_string_equal(conninfo_get(&settings.database, "user"), "u");
}

static void
the_redis_url_is_parsed(void **state)
{
	struct settings settings = VALID(URL, "REDIS_URL=redis://:p@cache:6380/2").settings;

	(void)state;
	assert_string_equal(settings.redis.host, "cache");
	assert_int_equal(settings.redis.database, 2);
}

/* --- rules between settings --- */

static void
serverless_means_a_connection_per_request(void **state)
{
	(void)state;
	assert_int_equal(VALID(URL, "SERVERLESS=true").settings.database_connection,
	                 CONNECTION_NULL);
	assert_int_equal(VALID(URL, "SERVERLESS=true", "DATABASE_CONNECTION=persistent")
	                     .settings.database_connection,
	                 CONNECTION_NULL);
}

static void
the_mode_may_be_chosen(void **state)
{
	(void)state;
	assert_int_equal(VALID(URL, "DATABASE_CONNECTION=null").settings.database_connection,
	                 CONNECTION_NULL);
	assert_int_equal(VALID(URL, "ENV=production", "DATABASE_CONNECTION=persistent")
	                     .settings.database_connection,
	                 CONNECTION_PERSISTENT);
}

static void
debug_sets_the_log_level(void **state)
{
	(void)state;
	assert_int_equal(VALID(URL, "DEBUG=true", "LOG_LEVEL=error").settings.log_level, LOG_DEBUG);
}

static const struct tls_row {
	const char *about;
	const char *env;
	const char *entry;
	const char *faulted; /* NULL: valid */
} tls_rows[] = {
	{ "production accepts require", "ENV=production", URL "?sslmode=require", NULL },
	{ "production accepts verify-ca", "ENV=production", URL "?sslmode=verify-ca", NULL },
	{ "production accepts verify-full", "ENV=production", URL "?sslmode=verify-full", NULL },
	{ "production adds require", "ENV=production", URL, NULL },
	{ "production refuses disable", "ENV=production", URL "?sslmode=disable", "DATABASE_URL" },
	{ "production refuses allow", "ENV=production", URL "?sslmode=allow", "DATABASE_URL" },
	{ "production refuses prefer", "ENV=production", URL "?sslmode=prefer", "DATABASE_URL" },
	{ "production refuses ssl=false", "ENV=production", URL "?ssl=false", "DATABASE_URL" },
	{ "serverless refuses prefer", "SERVERLESS=true", URL "?sslmode=prefer", "DATABASE_URL" },
	{ "development accepts disable", "ENV=development", URL "?sslmode=disable", NULL },
	{ "a connection per request refuses disable", "ENV=testing", URL "?sslmode=disable",
	  "DATABASE_URL" },
	{ "a unix socket is not a network", "ENV=production", "DATABASE_URL=postgres://u@%2Frun/d",
	  NULL },
	{ "a unix socket with sslmode", "ENV=production",
	  "DATABASE_URL=postgres://u@/d?host=/run&sslmode=disable", NULL },
	{ "an alias follows the same rule", "ENV=production",
	  "NEON_DATABASE_URL=postgres://u@h/d?sslmode=disable", "DATABASE_URL" },
};

static void
production_requires_tls_over_a_network(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(tls_rows); i++) {
		const struct tls_row *row = &tls_rows[i];
		struct reading reading = READ(row->env, row->entry);

		row_int(row, reading.ok, row->faulted == NULL);
		if (row->faulted)
			row_true(row, is_faulted(&reading, row->faulted));
	}
}

static void
a_socket_as_host_does_not_exempt_an_address_from_tls(void **state)
{
	(void)state;
	assert_false(READ("ENV=production",
	                  "DATABASE_URL=postgres://u@%2Frun/d?hostaddr=192.0.2.1&sslmode=disable")
	                 .ok);
}

static void
tls_is_required_of_every_database(void **state)
{
	struct reading reading = READ("ENV=production", URL_TLS,
	                              "DATABASE_REPLICA_URL=postgres://u@h/d?sslmode=allow",
	                              "MIGRATION_DATABASE_URL=postgres://u@h/d?sslmode=disable");

	(void)state;
	assert_true(is_faulted(&reading, "DATABASE_REPLICA_URL"));
	assert_true(is_faulted(&reading, "MIGRATION_DATABASE_URL"));
	assert_false(is_faulted(&reading, "DATABASE_URL"));
}

static void
a_unix_socket_gets_no_sslmode(void **state)
{
	struct settings settings = VALID("ENV=production", "DATABASE_URL=postgres://u@%2Frun/d")
	                               .settings;

	(void)state;
	assert_null(conninfo_get(&settings.database, "sslmode"));
}

static void
parts_require_tls_in_production(void **state)
{
	struct settings settings = VALID("ENV=production", "DB_HOST=h", "DB_NAME=d", "DB_USER=u",
	                                 "DB_PASSWORD=p4ssw0rd")
	                               .settings;

	(void)state;
	assert_string_equal(conninfo_get(&settings.database, "sslmode"), "require");
}

static const struct sslmode_row {
	const char *about, *url, *pgsslmode;
	const char *mode;  /* the resulting sslmode */
	const char *fault; /* or the setting with a fault */
} sslmode_rows[] = {
	{ "nothing says it", "DATABASE_URL=postgres://u@h/d", "PGSSLMODE=", "require", NULL },
	{ "as for psql", "DATABASE_URL=postgres://u@h/d", "PGSSLMODE=verify-ca", "verify-ca",
	  NULL },
	{ "the URL says it", "DATABASE_URL=postgres://u@h/d?sslmode=require",
	  "PGSSLMODE=verify-full", "require", NULL },
	{ "an unknown one", "DATABASE_URL=postgres://u@h/d", "PGSSLMODE=sure", NULL, "PGSSLMODE" },
	{ "too weak", "DATABASE_URL=postgres://u@h/d", "PGSSLMODE=prefer", NULL, "DATABASE_URL" },
	{ "the system's CAs", "DATABASE_URL=postgres://u@h/d?sslrootcert=system",
	  "PGSSLMODE=", "verify-full", NULL },
	{ "a file of CAs", "DATABASE_URL=postgres://u@h/d?sslrootcert=ca.pem",
	  "PGSSLMODE=", "require", NULL },
	{ "weaker than the system's CAs require",
	  "DATABASE_URL=postgres://u@h/d?sslrootcert=system&sslmode=require", "PGSSLMODE=", NULL,
	  "DATABASE_URL" },
	{ "weaker than they require, from the environment",
	  "DATABASE_URL=postgres://u@h/d?sslrootcert=system", "PGSSLMODE=verify-ca", NULL,
	  "DATABASE_URL" },
};

static void
the_sslmode_follows_from_url_environment_and_root_certificate(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(sslmode_rows); i++) {
		const struct sslmode_row *row = &sslmode_rows[i];
		struct reading reading = READ("ENV=production", row->url, row->pgsslmode);

		if (row->fault)
			row_true(row, is_faulted(&reading, row->fault));
		else
			row_text(row, conninfo_get(&reading.settings.database, "sslmode"),
			         row->mode);
	}
}

static const struct mode_row {
	const char *about;
	const char *env;
	mode_t mode;
	bool ok;
} mode_rows[] = {
	{ "production, readable by the owner", "ENV=production", 0600, true },
	{ "production, readable by the group", "ENV=production", 0640, true },
	{ "production, everybody reads", "ENV=production", 0644, false },
	{ "production, everybody writes", "ENV=production", 0602, false },
	{ "development, everybody reads", "ENV=development", 0644, true },
	{ "testing, everybody reads", "ENV=testing", 0644, true },
};

static void
a_file_that_others_can_read_is_refused_in_production(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(mode_rows); i++) {
		const struct mode_row *row = &mode_rows[i];
		struct reading reading;

		write_file(".env", URL_TLS "\n", row->mode);
		reading = READ(row->env);
		row_int(row, reading.ok, row->ok);
		if (!row->ok)
			row_true(row, is_faulted(&reading, FILE_NAME));
	}
}

static void
production_may_be_set_in_the_refused_file(void **state)
{
	(void)state;
	write_file(".env", "ENV=production\n" URL_TLS "\n", 0644);
	assert_false(READ("PATH=/bin").ok);
}

static const struct key_row {
	const char *about;
	const char *env;
	const char *key;
	bool ok;
} key_rows[] = {
	{ "a random one", "ENV=production", random_key, true },
	{ "no key", "ENV=production", "SECRET_KEY=", true },
	{ "31 bytes", "ENV=production", "SECRET_KEY=3f9b1c7e5a02d8460f1e2c9b7d5a836", false },
	{ "from a template", "ENV=production",
	  "SECRET_KEY=your-secret-key-that-is-long-enough-for-it", false },
	{ "changeme", "ENV=production", "SECRET_KEY=changeme-changeme-changeme-changeme", false },
	{ "changeme in capitals", "ENV=production", "SECRET_KEY=CHANGEME0123456789abcdef0123456789",
	  false },
	{ "change-this", "ENV=production", "SECRET_KEY=please-change-this-in-production-0123",
	  false },
	{ "a single letter", "ENV=production",
	  "SECRET_KEY=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", false },
	{ "two alternating letters", "ENV=production",
	  "SECRET_KEY=xyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxy", false },
	{ "zeros and ones", "ENV=production",
	  "SECRET_KEY=0110100110010110100101100110100110010110011010010110100110010110", false },
	{ "a word four times", "ENV=production", "SECRET_KEY=passwordpasswordpasswordpassword",
	  false },
	{ "a word many times", "ENV=production",
	  "SECRET_KEY=passwordpasswordpasswordpasswordpasswordpasswordpasswordpassword", false },
	{ "an unknown word many times", "ENV=production",
	  "SECRET_KEY=QuartzGlyphQuartzGlyphQuartzGlyphQuartzGlyph", false },
	{ "digits in order", "ENV=production",
	  "SECRET_KEY=1234567890123456789012345678901234567890", false },
	{ "digits in reverse order", "ENV=production",
	  "SECRET_KEY=98765432109876543210987654321098", false },
	{ "the alphabet", "ENV=production", "SECRET_KEY=abcdefghijklmnopqrstuvwxyz0123456789",
	  false },
	{ "the alphabet in both cases", "ENV=production",
	  "SECRET_KEY=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", false },
	{ "hexadecimal digits", "ENV=production", "SECRET_KEY=0123456789abcdef0123456789abcdef",
	  false },
	{ "the keyboard", "ENV=production", "SECRET_KEY=qwertyuiopasdfghjklzxcvbnm1234567890",
	  false },
	{ "words", "ENV=production", "SECRET_KEY=MySuperSecretJwtKeyForProductionUse123!", false },
	{ "from a tutorial", "ENV=production",
	  "SECRET_KEY=09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", false },
	{ "a former one of this repository", "ENV=production",
	  "SECRET_KEY=0c4n4ry-of-the-key-0123456789abcdef-fedcba", false },
	{ "that of env/development.env", "ENV=production",
	  "SECRET_KEY=only-for-development-0123456789-0123456789", false },
	{ "short in development", "ENV=development", "SECRET_KEY=short", true },
	{ "changeme in testing", "ENV=testing", "SECRET_KEY=changeme", true },
};

static void
production_refuses_a_weak_secret_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(key_rows); i++) {
		const struct key_row *row = &key_rows[i];
		struct reading reading = READ(row->env, URL_TLS, row->key);

		row_int(row, reading.ok, row->ok);
		if (!row->ok)
			row_true(row, is_faulted(&reading, "SECRET_KEY"));
		row_true(row, !strstr(reading.faults.data, strchr(row->key, '=') + 1) || row->ok);
	}
}

#define ISSUED "JWT_ISSUER=https://i/"

static const struct issuer_row {
	const char *about, *jwks, *issuer, *env;
	const char *fault; /* NULL: none */
} issuer_rows[] = {
	{ "a URL", "JWT_JWKS=https://i/keys?appid=1", ISSUED, "ENV=production", NULL },
	{ "a file", "JWT_JWKS=/etc/keys.json", ISSUED, "ENV=production", NULL },
	{ "nothing", "JWT_JWKS=", "JWT_ISSUER=", "ENV=production", NULL },
	{ "without TLS in testing", "JWT_JWKS=http://i/keys", ISSUED, "ENV=testing", NULL },
	{ "without TLS", "JWT_JWKS=http://i/keys", ISSUED, "ENV=production", "JWT_JWKS" },
	{ "a password", "JWT_JWKS=https://u:p@i/keys", ISSUED, "ENV=testing", "JWT_JWKS" },
	{ "no host", "JWT_JWKS=https:///keys", ISSUED, "ENV=testing", "JWT_JWKS" },
	{ "a relative path", "JWT_JWKS=keys.json", ISSUED, "ENV=testing", "JWT_JWKS" },
	{ "another scheme", "JWT_JWKS=file:///keys.json", ISSUED, "ENV=testing", "JWT_JWKS" },
	{ "no issuer", "JWT_JWKS=https://i/keys", "JWT_ISSUER=", "ENV=testing", "JWT_ISSUER" },
	{ "no keys", "JWT_JWKS=", ISSUED, "ENV=testing", "JWT_ISSUER" },
	{ "an audience alone", "JWT_JWKS=", "JWT_AUDIENCE=web", "ENV=testing", "JWT_AUDIENCE" },
};

static void
an_issuer_has_keys_that_come_over_tls(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(issuer_rows); i++) {
		const struct issuer_row *row = &issuer_rows[i];
		struct reading reading = READ(row->env, URL_TLS, row->jwks, row->issuer);

		row_int(row, reading.ok, !row->fault);
		if (row->fault)
			row_true(row, is_faulted(&reading, row->fault));
		row_true(row, !strstr(reading.faults.data, "u:p"));
	}
}

static void
a_scheme_is_one_word(void **state)
{
	static const char *const wrong[] = { "AUTH_SCHEME=My Token", "AUTH_SCHEME=Tok:en",
		                             "AUTH_SCHEME=Töken", "AUTH_SCHEME=\"Token\"" };

	(void)state;
	assert_string_equal(VALID(URL, "AUTH_SCHEME=X-Token2").settings.auth_scheme, "X-Token2");
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_true(
		    is_faulted(&(struct reading[]){ READ(URL, wrong[i]) }[0], "AUTH_SCHEME"));
}

static void
the_previous_key_has_the_same_rules(void **state)
{
	struct reading reading;

	for (size_t i = 0; i < COUNT_OF(key_rows); i++) {
		const struct key_row *row = &key_rows[i];
		const char *before = mem_printf(*state, "SECRET_KEY_PREVIOUS=%s",
		                                strchr(row->key, '=') + 1);

		reading = READ(row->env, URL_TLS, random_key, before);
		row_int(row, reading.ok, row->ok);
		if (!row->ok)
			row_true(row, is_faulted(&reading, "SECRET_KEY_PREVIOUS"));
	}
	reading = READ("SECRET_KEY_PREVIOUS=of-before", URL_TLS);
	assert_true(is_faulted(&reading, "SECRET_KEY_PREVIOUS"));
	assert_string_equal(VALID("SECRET_KEY=now", "SECRET_KEY_PREVIOUS=of-before", URL_TLS)
	                        .settings.secret_key_previous,
	                    "of-before");
}

/* In the forms of `openssl rand -hex 32`, `openssl rand -base64 32` and secrets.token_urlsafe(32).
 */
static void
a_random_key_is_never_refused(void **state)
{
	for (int i = 0; i < 2000; i++) {
		char hex[65], *base64 = random_token(*state);

		random_hex(32, hex);
		row_true(&key_rows[0], !secret_key_fault(hex));
		row_true(&key_rows[0], !secret_key_fault(base64));
		for (char *at = base64; *at; at++)
			*at = *at == '-' ? '+' : *at == '_' ? '/' : *at;
		row_true(&key_rows[0], !secret_key_fault(mem_printf(*state, "%s=", base64)));
	}
}

static const struct origins_row {
	const char *about;
	const char *origins;
	const char *sent; /* as browsers send them; NULL if refused */
} origins_rows[] = {
	{ "one", "https://app.example.com", "https://app.example.com" },
	{ "two", "https://app.example.com,http://localhost:5173",
	  "https://app.example.com,http://localhost:5173" },
	{ "two with a space", "https://a.example.com, https://b.example.com",
	  "https://a.example.com,https://b.example.com" },
	{ "capitals", "HTTPS://App.Example.COM:8443", "https://app.example.com:8443" },
	{ "the port of https", "https://app.example.com:443", "https://app.example.com" },
	{ "the port of http", "http://app.example.com:80", "http://app.example.com" },
	{ "the port of the other scheme", "http://app.example.com:443",
	  "http://app.example.com:443" },
	{ "zeros before the port", "http://localhost:08080", "http://localhost:8080" },
	{ "an underscore", "http://my_app.localhost", "http://my_app.localhost" },
	{ "IPv4", "http://127.0.0.1:3000", "http://127.0.0.1:3000" },
	{ "IPv6", "http://[::1]:5173", "http://[::1]:5173" },
	{ "IPv6, long", "http://[2001:DB8:0:0:0:0:0:1]:80", "http://[2001:db8::1]" },
	{ "Punycode", "https://xn--bcher-kva.example", "https://xn--bcher-kva.example" },
	{ "Capacitor", "capacitor://localhost", "capacitor://localhost" },
	{ "Ionic", "Ionic://localhost", "ionic://localhost" },
	{ "Tauri", "tauri://localhost", "tauri://localhost" },
	{ "Electron", "app://.", "app://." },
	{ "an extension", "chrome-extension://abcdefghijklmnop",
	  "chrome-extension://abcdefghijklmnop" },
	{ "a scheme with a plus, and a port", "web+app://host:80", "web+app://host:80" },
	{ "star", "*", NULL },
	{ "star in a host", "https://*.example.com", NULL },
	{ "slash at the end", "https://app.example.com/", NULL },
	{ "path", "https://app.example.com/app", NULL },
	{ "query", "https://app.example.com?x", NULL },
	{ "no scheme", "app.example.com", NULL },
	{ "a scheme without pages", "ftp://app.example.com", NULL },
	{ "a file", "file://host", NULL },
	{ "only a scheme", "https://", NULL },
	{ "only an application's scheme", "app://", NULL },
	{ "an invalid scheme", "1app://host", NULL },
	{ "an empty scheme", "://host", NULL },
	{ "null", "null", NULL },
	{ "not ASCII",
	  "https://b\xc3\xbc"
	  "cher.example",
	  NULL },
	{ "user", "https://u@app.example.com", NULL },
	{ "port 0", "https://app.example.com:0", NULL },
	{ "port above the maximum", "https://app.example.com:65536", NULL },
	{ "an empty port", "https://app.example.com:", NULL },
	{ "two ports", "https://app.example.com:1:2", NULL },
	{ "an empty label", "https://app..example.com", NULL },
	{ "a dot as host", "https://.", NULL },
	{ "half an IPv4 address", "http://127.1", NULL },
	{ "invalid IPv6", "http://[::g]", NULL },
	{ "IPv6 not closed", "http://[::1", NULL },
	{ "IPv6 that ends as IPv4", "http://[::ffff:127.0.0.1]", NULL },
	{ "a header injection", "https://a.example.com\nX: y", NULL },
	{ "the second is wrong", "https://app.example.com,*", NULL },
};

static void
origins_have_the_form_that_browsers_send(void **state)
{
	for (size_t i = 0; i < COUNT_OF(origins_rows); i++) {
		const struct origins_row *row = &origins_rows[i];
		struct reading reading = READ(URL,
		                              mem_printf(*state, "CORS_ORIGINS=%s", row->origins));

		row_int(row, reading.ok, row->sent != NULL);
		if (row->sent)
			row_text(row, reading.settings.cors_origins, row->sent);
		else
			row_true(row, is_faulted(&reading, "CORS_ORIGINS"));
	}
	assert_non_null(strstr(READ(URL, "CORS_ORIGINS=http://b\xc3\xbc"
	                                 "cher.de")
	                           .faults.data,
	                       "xn--"));
}

/* --- OpenTelemetry --- */

#define COLLECTOR "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318"

static const struct otlp_url_row {
	const char *about;
	const char *entries[3];
	const char *url;
} otlp_url_rows[] = {
	{ "a base", { COLLECTOR }, "http://c:4318/v1/traces" },
	{ "a base with a path", { COLLECTOR "/x/" }, "http://c:4318/x/v1/traces" },
	{ "the endpoint for traces, as it is",
	  { "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://t/x" },
	  "http://t/x" },
	{ "the endpoint for traces wins",
	  { COLLECTOR, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://t/" },
	  "https://t/" },
	{ "an empty one is not set",
	  { COLLECTOR, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" },
	  "http://c:4318/v1/traces" },
	{ "disabled", { COLLECTOR, "OTEL_SDK_DISABLED=True" }, NULL },
	{ "not disabled", { COLLECTOR, "OTEL_SDK_DISABLED=false" }, "http://c:4318/v1/traces" },
	{ "only true disables", { COLLECTOR, "OTEL_SDK_DISABLED=1" }, "http://c:4318/v1/traces" },
	{ "none", { NULL }, NULL },
};

static void
spans_are_sent_where_opentelemetry_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(otlp_url_rows); i++) {
		const struct otlp_url_row *row = &otlp_url_rows[i];
		const char *const *entries = row->entries;

		row_text(row, VALID(URL, entries[0], entries[1]).settings.otlp_url, row->url);
	}
	assert_true(is_faulted(
	    &(struct reading[]){ READ(URL, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=c:1") }[0],
	    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"));
	assert_string_equal(VALID(URL, "OTEL_SDK_DISABLED=1").settings.warnings,
	                    "OTEL_SDK_DISABLED: must be true or false; ignored\n");
}

static const char *
attributes_of(void *owner, const struct settings *settings)
{
	struct buf out;

	buf_init(&out, owner, 65536);
	for (size_t i = 0; i < settings->otel_attribute_count; i++)
		buf_printf(&out, "%s=%s;", settings->otel_attribute[i].key,
		           settings->otel_attribute[i].value);
	return out.data;
}

#define RESOURCE "OTEL_RESOURCE_ATTRIBUTES="
#define VERSION  "service.version=" NP_VERSION ";"
#define REST     VERSION "deployment.environment.name=development;"

static const struct resource_row {
	const char *about;
	const char *entries[3];
	const char *attributes;
	bool warns;
} resource_rows[] = {
	{ "not set", { NULL }, "service.name=nullpool;" REST },
	{ "the application's name", { "APP_NAME=api" }, "service.name=api;" REST },
	{ "a name", { "OTEL_SERVICE_NAME=one", "APP_NAME=api" }, "service.name=one;" REST },
	{ "of the attributes",
	  { RESOURCE "service.name=two", "APP_NAME=api" },
	  "service.name=two;" REST },
	{ "a name wins over the attributes",
	  { RESOURCE "service.name=two", "OTEL_SERVICE_NAME=one" },
	  "service.name=one;" REST },
	{ "attributes",
	  { RESOURCE "team=a, k8s.pod.name = p-1 ,empty=" },
	  "service.name=nullpool;" REST "team=a;k8s.pod.name=p-1;empty=;" },
	{ "percent-encoded",
	  { RESOURCE "a=1%2C2%3D3,b=x y" },
	  "service.name=nullpool;" REST "a=1,2=3;b=x y;" },
	{ "an equals sign in a value",
	  { RESOURCE "a=b=c" },
	  "service.name=nullpool;" REST "a=b=c;" },
	{ "another environment",
	  { RESOURCE "deployment.environment.name=blue" },
	  "service.name=nullpool;" VERSION "deployment.environment.name=blue;" },
	{ "a repeated key", { RESOURCE "a=1,a=2" }, "service.name=nullpool;" REST "a=2;" },
	{ "a comma at the end", { RESOURCE "a=1," }, "service.name=nullpool;" REST "a=1;" },
	{ "one is malformed, so none counts",
	  { RESOURCE "a=1,b" },
	  "service.name=nullpool;" REST,
	  true },
	{ "a malformed encoding",
	  { RESOURCE "a=%2", "OTEL_SERVICE_NAME=one" },
	  "service.name=one;" REST,
	  true },
	{ "not UTF-8", { RESOURCE "a=%ff" }, "service.name=nullpool;" REST, true },
	{ "no key", { RESOURCE "=1" }, "service.name=nullpool;" REST, true },
};

static void
the_resource_is_what_opentelemetry_says(void **state)
{
	for (size_t i = 0; i < COUNT_OF(resource_rows); i++) {
		const struct resource_row *row = &resource_rows[i];
		struct settings settings = VALID(URL, row->entries[0], row->entries[1]).settings;

		row_text(row, attributes_of(*state, &settings), row->attributes);
		row_int(row, text_starts(settings.warnings, "OTEL_RESOURCE_ATTRIBUTES: "),
		        row->warns);
	}
}

#define SAMPLER "OTEL_TRACES_SAMPLER="
#define ARG     "OTEL_TRACES_SAMPLER_ARG="

static const struct sampler_row {
	const char *about;
	const char *entries[3];
	bool parent_based;
	double probability;
	const char *warned; /* the name of a variable; NULL: no warning */
} sampler_rows[] = {
	{ "not set", { NULL }, true, 1, NULL },
	{ "always", { SAMPLER "always_on" }, false, 1, NULL },
	{ "never", { SAMPLER "always_off" }, false, 0, NULL },
	{ "a ratio", { SAMPLER "traceidratio", ARG "0.25" }, false, 0.25, NULL },
	{ "a ratio without an argument", { SAMPLER "traceidratio" }, false, 1, NULL },
	{ "as the caller, or always", { SAMPLER "parentbased_always_on" }, true, 1, NULL },
	{ "as the caller, or never", { SAMPLER "parentbased_always_off" }, true, 0, NULL },
	{ "as the caller, or a ratio",
	  { SAMPLER "parentbased_traceidratio", ARG "0" },
	  true,
	  0,
	  NULL },
	{ "an unknown sampler",
	  { SAMPLER "jaeger_remote", ARG "0.5" },
	  true,
	  1,
	  "OTEL_TRACES_SAMPLER" },
	{ "an unused argument", { SAMPLER "always_on", ARG "x" }, false, 1, NULL },
	{ "above 1", { SAMPLER "traceidratio", ARG "1.5" }, false, 1, "OTEL_TRACES_SAMPLER_ARG" },
	{ "below 0", { SAMPLER "traceidratio", ARG "-0.5" }, false, 1, "OTEL_TRACES_SAMPLER_ARG" },
	{ "not a number",
	  { SAMPLER "traceidratio", ARG "half" },
	  false,
	  1,
	  "OTEL_TRACES_SAMPLER_ARG" },
};

static void
the_named_sampler_is_used(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(sampler_rows); i++) {
		const struct sampler_row *row = &sampler_rows[i];
		struct settings settings = VALID(URL, row->entries[0], row->entries[1]).settings;
		const char *warned = row->warned ? row->warned : "";

		row_int(row, settings.otel_sampler.parent_based, row->parent_based);
		row_true(row, settings.otel_sampler.probability == row->probability);
		row_int(row, *settings.warnings != '\0', row->warned != NULL);
		row_true(row, text_starts(settings.warnings, warned)
		                  && (!*warned || settings.warnings[strlen(warned)] == ':'));
	}
}

/* --- values --- */

static const struct value_row {
	const char *about;
	const char *entry;
	const char *faulted; /* NULL: valid */
} value_rows[] = {
	{ "switch by a word", "SERVERLESS=Yes", NULL },
	{ "switch by a number", "DEBUG=0", NULL },
	{ "switch off", "HEALTH_DETAILS=off", NULL },
	{ "switch by another word", "SERVERLESS=maybe", "SERVERLESS" },
	{ "switch by 2", "DEBUG=2", "DEBUG" },
	{ "unknown environment", "ENV=prod", "ENV" },
	{ "unknown level", "LOG_LEVEL=verbose", "LOG_LEVEL" },
	{ "level in capitals", "LOG_LEVEL=WARNING", NULL },
	{ "unknown mode", "DATABASE_CONNECTION=pooled", "DATABASE_CONNECTION" },
	{ "unknown algorithm", "ALGORITHM=none", "ALGORITHM" },
	{ "number with a unit", "REQUEST_TIMEOUT=60s", "REQUEST_TIMEOUT" },
	{ "number with a point", "REQUEST_TIMEOUT=1.5", "REQUEST_TIMEOUT" },
	{ "number with a space", "REQUEST_TIMEOUT= 1", "REQUEST_TIMEOUT" },
	{ "too large for 64 bits", "WORKER_MAX_REQUESTS=9223372036854775808",
	  "WORKER_MAX_REQUESTS" },
	{ "smallest request timeout", "REQUEST_TIMEOUT=1", NULL },
	{ "below it", "REQUEST_TIMEOUT=0", "REQUEST_TIMEOUT" },
	{ "largest pool", "DATABASE_POOL_SIZE=1000", NULL },
	{ "above it", "DATABASE_POOL_SIZE=1001", "DATABASE_POOL_SIZE" },
	{ "an empty pool", "DATABASE_POOL_SIZE=0", NULL },
	{ "never recycled", "DATABASE_POOL_RECYCLE=-1", NULL },
	{ "below never", "DATABASE_POOL_RECYCLE=-2", "DATABASE_POOL_RECYCLE" },
	{ "unlimited requests", "WORKER_MAX_REQUESTS=0", NULL },
	{ "port of 0", "DB_PORT=0", "DB_PORT" },
	{ "an invalid Redis URL", "REDIS_URL=localhost:6379", "REDIS_URL" },
	{ "unverified TLS to Redis", "REDIS_URL=rediss://h?ssl_cert_reqs=none", "REDIS_URL" },
	{ "an invalid replica URL", "DATABASE_REPLICA_URL=mysql://h", "DATABASE_REPLICA_URL" },
};

static void
a_value_out_of_bounds_is_a_fault_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(value_rows); i++) {
		const struct value_row *row = &value_rows[i];
		struct reading reading = READ(row->entry, URL);

		row_int(row, reading.ok, row->faulted == NULL);
		if (row->faulted) {
			row_true(row, is_faulted(&reading, row->faulted));
			row_int(row, lines_of(reading.faults.data), 1);
		}
	}
}

static void
a_database_is_required(void **state)
{
	struct reading reading = READ("ENV=development");

	(void)state;
	assert_false(reading.ok);
	assert_true(is_faulted(&reading, "DATABASE_URL"));
}

static void
missing_parts_are_named(void **state)
{
	struct reading reading = READ("DB_HOST=h", "DB_PASSWORD=c4n4ry");

	(void)state;
	assert_true(is_faulted(&reading, "DB_HOST"));
	assert_non_null(strstr(reading.faults.data, "DB_USER"));
	assert_null(strstr(reading.faults.data, "c4n4ry"));
}

static void
all_faults_are_found_at_once(void **state)
{
	static const char *const names[] = { "SERVERLESS",          "LOG_LEVEL", "DATABASE_URL",
		                             "DATABASE_CONNECTION", "CACHE_TTL", "SECRET_KEY",
		                             "CORS_ORIGINS",        "REDIS_URL" };
	struct reading reading = READ("ENV=production", "SERVERLESS=perhaps", "LOG_LEVEL=loud",
	                              "DATABASE_URL=postgres://u@h/d?x=1",
	                              "DATABASE_CONNECTION=some", "CACHE_TTL=-5",
	                              "SECRET_KEY=short", "CORS_ORIGINS=*", "REDIS_URL=?");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!is_faulted(&reading, names[i]))
			fail_msg("%s is not among: %s", names[i], reading.faults.data);
	assert_int_equal(lines_of(reading.faults.data), COUNT_OF(names));
}

/* Each entry is wrong and contains the canary. */
static void
faults_never_quote_a_value(void **state)
{
	struct reading reading = READ(
	    "ENV=c4n4ry", "SERVERLESS=c4n4ry", "DEBUG=c4n4ry", "LOG_LEVEL=c4n4ry", "DB_PORT=c4n4ry",
	    "DATABASE_URL=postgres://u:c4n4ry@w@h/d", "DATABASE_REPLICA_URL=c4n4ry",
	    "MIGRATION_DATABASE_URL=postgres://u:c4n4ry/x@h/d", "DATABASE_CONNECTION=c4n4ry",
	    "CACHE_TTL=c4n4ry", "REDIS_URL=redis://:c4n4ry@h/x", "ALGORITHM=c4n4ry",
	    "CORS_ORIGINS=c4n4ry");

	(void)state;
	assert_int_equal(lines_of(reading.faults.data), 13);
	assert_null(strstr(reading.faults.data, "c4n4ry"));
	reading = READ("ENV=production", URL_TLS, "SECRET_KEY=c4n4ry");
	assert_false(reading.ok);
	assert_null(strstr(reading.faults.data, "c4n4ry"));
}

/* --- printing, and the log --- */

static const char *
printed(const struct settings *settings)
{
	struct buf out;

	buf_init(&out, mem_process(), 65536);
	settings_print(settings, &out);
	assert_false(out.overflow);
	return out.data;
}

/* Returns the line of a setting, without its line feed. */
static const char *
line_of(void *owner, const char *text, const char *name)
{
	const char *line = text;

	while (strncmp(line, name, strlen(name)) != 0 || line[strlen(name)] != ' ') {
		line = strchr(line, '\n');
		assert_non_null(line);
		line++;
	}
	return mem_strndup(owner, line, strcspn(line, "\n"));
}

static void
print_hides_secrets(void **state)
{
	struct settings settings = VALID("DATABASE_URL=postgres://u:c4n4ry@h/d",
	                                 "DATABASE_REPLICA_URL=postgres://u:c4n4ry@r/d",
	                                 "MIGRATION_DATABASE_URL=postgres://u:c4n4ry@m/d",
	                                 "DB_PASSWORD=c4n4ry", "REDIS_URL=redis://:c4n4ry@h",
	                                 "SECRET_KEY=c4n4ry0123456789")
	                               .settings;
	const char *text = printed(&settings);

	assert_null(strstr(text, "c4n4ry"));
	assert_non_null(strstr(line_of(*state, text, "DATABASE_URL"), "***"));
	assert_non_null(strstr(line_of(*state, text, "SECRET_KEY"), "***"));
}

static void
print_shows_the_source_of_each_value(void **state)
{
	struct settings settings;
	const char *text;

	write_file("other.env", "CACHE_TTL=7\n", 0600);
	settings = VALID(URL, FILE_NAME "=other.env", "LOG_LEVEL=Error", "DEBUG=no").settings;
	text = printed(&settings);
	assert_non_null(strstr(line_of(*state, text, "LOG_LEVEL"), " error "));
	assert_non_null(strstr(line_of(*state, text, "LOG_LEVEL"), "(environment)"));
	assert_non_null(strstr(line_of(*state, text, "CACHE_TTL"), " 7 "));
	assert_non_null(strstr(line_of(*state, text, "CACHE_TTL"), "(other.env)"));
	assert_non_null(strstr(line_of(*state, text, "DEBUG"), " false "));
	assert_non_null(strstr(line_of(*state, text, "REDIS_URL"), " - "));
	assert_non_null(strstr(line_of(*state, text, "APP_NAME"), "nullpool"));
	assert_non_null(strstr(line_of(*state, text, "APP_NAME"), "(default)"));
}

/* What is registered with the log while settings are read. */
static const struct secret_row {
	const char *about;
	const char *entry;
	const char *secret;
} secret_rows[] = {
	{ "a URL's password, decoded", "DATABASE_URL=postgres://u:s3cret%40one@h/d", "s3cret@one" },
	{ "a URL as a whole", "DATABASE_URL=postgres://u:s3cret-two@h/d",
	  "postgres://u:s3cret-two@h/d" },
	{ "DB_PASSWORD", "DB_PASSWORD=s3cret-four", "s3cret-four" },
	{ "the secret key", "SECRET_KEY=s3cret-five", "s3cret-five" },
	{ "Redis's password", "REDIS_URL=redis://:s3cret%2Dsix@h", "s3cret-six" },
};

/* Runs in its own process, because the log keeps secrets, and only a limited number of them. */
static void
read_and_scrub(void *argument)
{
	const struct secret_row *row = argument;
	struct buf out;

	(void)READ(row->entry);
	buf_init(&out, mem_process(), 4096);
	log_scrub(&out, row->secret);
	_exit(strcmp(out.data, "***") == 0 ? 0 : 1);
}

static void
secrets_are_registered_with_the_log(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(secret_rows); i++) {
		struct secret_row row = secret_rows[i];

		row_int(&row, unit_end_of(read_and_scrub, &row), 0);
	}
}

static void
the_password_of_a_key_is_registered_with_the_log(void **state)
{
	struct secret_row row = { "sslpassword",
		                  "DATABASE_URL=postgres://u@h/d?sslpassword=s3cret-three",
		                  "s3cret-three" };

	(void)state;
	row_int(&row, unit_end_of(read_and_scrub, &row), 0);
}

/* A credential wins over the file, whose value would silently take its place. */
static void
an_unreadable_credential_is_a_fault(void **state)
{
	struct reading reading;

	(void)state;
	assert_int_equal(mkdir("SECRET_KEY", 0700), 0);
	reading = READ(URL, "CREDENTIALS_DIRECTORY=.");
	assert_int_equal(rmdir("SECRET_KEY"), 0);
	assert_false(reading.ok);
	assert_string_equal(reading.faults.data,
	                    "SECRET_KEY: could not read its credential: Is a directory\n");
}

#define SETTINGS_TEST(function) \
	cmocka_unit_test_setup_teardown(function, clean_setup, unit_teardown)

static int
clean_setup(void **state)
{
	return remove_files(state) || unit_setup(state);
}

/* --- settings of a program's own --- */

static void
own_settings_are_declared_as_the_header_says(void **state)
{
	static const char *const letters[] = { "a", "b" };
	static const struct np_names two = { letters, COUNT_OF(letters) };
	static const struct {
		const char *about;
		struct np_setting setting;
		const char *fault; /* a part of it; NULL: none */
	} rows[] = {
		{ "a text", { .name = "MY_KEY2", .type = NP_TYPE_STRING }, NULL },
		{ "a choice", { .name = "MY_KEY", .type = NP_TYPE_ENUM, .choices = &two }, NULL },
		{ "no name", { .type = NP_TYPE_STRING }, "name" },
		{ "an empty name", { .name = "", .type = NP_TYPE_STRING }, "name" },
		{ "lower case", { .name = "my_key", .type = NP_TYPE_STRING }, "name" },
		{ "a digit first", { .name = "2KEY", .type = NP_TYPE_STRING }, "name" },
		{ "an equals sign", { .name = "A=B", .type = NP_TYPE_STRING }, "name" },
		{ "no type", { .name = "MY_KEY" }, "type" },
		{ "a type of a body", { .name = "MY_KEY", .type = NP_TYPE_JSON }, "type" },
		{ "a choice of none", { .name = "MY_KEY", .type = NP_TYPE_ENUM }, "type" },
		{ "choices of a text",
		  { .name = "MY_KEY", .type = NP_TYPE_STRING, .choices = &two },
		  "choices" },
		{ "ours", { .name = "REDIS_URL", .type = NP_TYPE_STRING }, "library" },
		{ "a header under CGI",
		  { .name = "HTTP_TIMEOUT", .type = NP_TYPE_INT },
		  "web servers" },
		{ "libpq's", { .name = "PGAPPNAME", .type = NP_TYPE_STRING }, "web servers" },
		{ "the shell's", { .name = "HOME", .type = NP_TYPE_STRING }, "web servers" },
		{ "a secret number",
		  { .name = "MY_PIN", .type = NP_TYPE_INT, .secret = true },
		  "no text" },
		{ "an alias of ours", { .name = "APP_ENV", .type = NP_TYPE_STRING }, "library" },
		{ "nearly ours",
		  { .name = "DATABASE_POOL_SIZZE", .type = NP_TYPE_INT },
		  "library" },
		{ "a secret in the source",
		  { .name = "MY_KEY",
		    .type = NP_TYPE_STRING,
		    .secret = true,
		    .default_value = "x" },
		  "default" },
		{ "required, with a default",
		  { .name = "MY_KEY",
		    .type = NP_TYPE_STRING,
		    .required = true,
		    .default_value = "x" },
		  "default" },
		{ "a default that breaks its rule",
		  { .name = "MY_KEY",
		    .type = NP_TYPE_INT,
		    .min = 1,
		    .max = 5,
		    .default_value = "6" },
		  "from 1 to 5" },
		{ "a default that is no choice",
		  { .name = "MY_KEY", .type = NP_TYPE_ENUM, .choices = &two, .default_value = "c" },
		  "a, b" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct np_setting *const items[] = { &rows[i].setting };
		const char *fault = settings_fault(mem_process(),
		                                   &(const struct np_settings){ items, 1 });

		if (!rows[i].fault != !fault || (fault && !strstr(fault, rows[i].fault)))
			fail_msg("%s: %s", rows[i].about, fault ? fault : "no fault");
	}
}

static void
a_declaration_is_one_of_a_few_and_has_a_name_of_its_own(void **state)
{
	const struct np_setting one = { .name = "MY_KEY", .type = NP_TYPE_STRING };
	const struct np_setting *items[OWN_SETTINGS_MAX + 1] = { &one, &one };

	(void)state;
	assert_null(settings_fault(mem_process(), NULL));
	assert_non_null(strstr(
	    settings_fault(mem_process(), &(const struct np_settings){ items, 2 }), "twice"));
	assert_non_null(strstr(
	    settings_fault(mem_process(), &(const struct np_settings){ items, COUNT_OF(items) }),
	    "more than"));
	items[0] = NULL;
	assert_non_null(settings_fault(mem_process(), &(const struct np_settings){ items, 1 }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SETTINGS_TEST(secrets_are_registered_with_the_log),
		SETTINGS_TEST(the_password_of_a_key_is_registered_with_the_log),
		SETTINGS_TEST(development_needs_only_a_url),
		SETTINGS_TEST(each_environment_has_its_defaults),
		SETTINGS_TEST(the_default_file_may_be_absent),
		SETTINGS_TEST(the_default_file_is_read_if_it_exists),
		SETTINGS_TEST(a_named_file_replaces_the_default_file),
		SETTINGS_TEST(a_named_file_must_exist),
		SETTINGS_TEST(the_default_file_must_exist_if_it_is_named),
		SETTINGS_TEST(an_empty_file_name_means_the_default_file),
		SETTINGS_TEST(a_directory_as_file_is_a_fault),
		SETTINGS_TEST(a_malformed_file_is_reported_by_line_and_not_by_text),
		SETTINGS_TEST(a_file_that_is_too_long_is_refused),
		SETTINGS_TEST(the_environment_wins_over_the_file),
		SETTINGS_TEST(an_empty_value_is_not_set),
		SETTINGS_TEST(an_empty_credential_is_not_set),
		SETTINGS_TEST(dev_null_means_no_file),
		SETTINGS_TEST(an_unresolved_reference_is_a_fault_of_its_setting),
		SETTINGS_TEST(a_misspelled_name_in_the_file_is_a_fault_with_a_suggestion),
		SETTINGS_TEST(a_misspelled_name_in_the_environment_is_a_warning),
		SETTINGS_TEST(an_alias_is_used_if_the_name_is_not_set),
		SETTINGS_TEST(an_alias_in_the_environment_wins_over_the_name_in_the_file),
		SETTINGS_TEST(parts_replace_a_url),
		SETTINGS_TEST(migrations_use_the_database_unless_they_have_their_own),
		SETTINGS_TEST(the_redis_url_is_parsed),
		SETTINGS_TEST(serverless_means_a_connection_per_request),
		SETTINGS_TEST(the_mode_may_be_chosen),
		SETTINGS_TEST(debug_sets_the_log_level),
		SETTINGS_TEST(production_requires_tls_over_a_network),
		SETTINGS_TEST(a_socket_as_host_does_not_exempt_an_address_from_tls),
		SETTINGS_TEST(tls_is_required_of_every_database),
		SETTINGS_TEST(a_unix_socket_gets_no_sslmode),
		SETTINGS_TEST(parts_require_tls_in_production),
		SETTINGS_TEST(the_sslmode_follows_from_url_environment_and_root_certificate),
		SETTINGS_TEST(a_file_that_others_can_read_is_refused_in_production),
		SETTINGS_TEST(production_may_be_set_in_the_refused_file),
		SETTINGS_TEST(production_refuses_a_weak_secret_key),
		SETTINGS_TEST(an_issuer_has_keys_that_come_over_tls),
		SETTINGS_TEST(a_scheme_is_one_word),
		SETTINGS_TEST(the_previous_key_has_the_same_rules),
		SETTINGS_TEST(a_random_key_is_never_refused),
		SETTINGS_TEST(origins_have_the_form_that_browsers_send),
		SETTINGS_TEST(spans_are_sent_where_opentelemetry_says),
		SETTINGS_TEST(the_resource_is_what_opentelemetry_says),
		SETTINGS_TEST(the_named_sampler_is_used),
		SETTINGS_TEST(a_value_out_of_bounds_is_a_fault_by_name),
		SETTINGS_TEST(a_database_is_required),
		SETTINGS_TEST(missing_parts_are_named),
		SETTINGS_TEST(all_faults_are_found_at_once),
		SETTINGS_TEST(faults_never_quote_a_value),
		SETTINGS_TEST(an_unreadable_credential_is_a_fault),
		SETTINGS_TEST(print_hides_secrets),
		SETTINGS_TEST(print_shows_the_source_of_each_value),
		SETTINGS_TEST(own_settings_are_declared_as_the_header_says),
		SETTINGS_TEST(a_declaration_is_one_of_a_few_and_has_a_name_of_its_own),
	};

	assert_true(hash_init());
	random_hex(32, random_key + strlen(random_key));
	return cmocka_run_group_tests_name("settings", tests, enter_home, leave_home);
}
