#include "config/settings_check.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/secret_key.h"
#include "config/url.h"

#define PREFIX_MAX_BYTES    100
#define PREFIX_SEGMENTS_MAX 4

static void
hide_passwords(const struct conninfo *info)
{
	log_secret(conninfo_get(info, "password"));
	log_secret(conninfo_get(info, "sslpassword"));
}

/* Requires TLS in production, and wherever each request opens its own connection. A Unix socket
 * crosses no network, and libpq cannot use TLS over it. */
static void
require_tls(void *owner, const struct settings *settings, const char *name, struct conninfo *info,
            struct buf *faults)
{
	const char *mode;

	if (settings->pgsslrootcert && conninfo_is_network(info))
		conninfo_default(owner, info, "sslrootcert", settings->pgsslrootcert);
	if (settings->pgsslmode)
		conninfo_default(owner, info, "sslmode", settings->pgsslmode);
	mode = conninfo_get(info, "sslmode");
	if (mode && conninfo_has_system_root(info) && strcmp(mode, "verify-full") != 0)
		buf_printf(faults, "%s: sslrootcert=system requires sslmode=verify-full\n", name);
	if (!conninfo_is_network(info)
	    || (settings->env != ENV_PRODUCTION
	        && settings->database_connection == CONNECTION_PERSISTENT))
		return;
	/* With the system's CAs libpq accepts no weaker mode. */
	conninfo_default(owner, info, "sslmode",
	                 conninfo_has_system_root(info) ? "verify-full" : "require");
	if (!conninfo_needs_tls(info))
		buf_printf(faults,
		           "%s: sslmode must be require, verify-ca or verify-full in production,"
		           " and elsewhere unless DATABASE_CONNECTION is persistent\n",
		           name);
}

/* Parses a database URL into info. Leaves info as it is if text is NULL or there is a fault. */
static void
read_url(void *owner, const struct settings *settings, const char *name, const char *text,
         struct conninfo *info, struct buf *faults)
{
	struct error err;

	if (!text)
		return;
	if (!conninfo_parse(owner, text, info, &err)) {
		buf_printf(faults, "%s: %s\n", name, err.message);
		return;
	}
	hide_passwords(info);
	require_tls(owner, settings, name, info, faults);
}

static void
read_parts(void *owner, struct settings *settings, struct buf *faults)
{
	const struct conninfo_parts parts = {
		.host = settings->db_host,
		.port = mem_printf(owner, "%d", (int)settings->db_port),
		.name = settings->db_name,
		.user = settings->db_user,
		.password = settings->db_password,
	};
	struct error err;

	if (!settings->db_host) {
		buf_text(faults, "DATABASE_URL: is required"
		                 " (or DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD)\n");
	} else if (!conninfo_from_parts(owner, &parts, &settings->database, &err)) {
		buf_printf(faults, "DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD: %s\n",
		           err.message);
	} else {
		require_tls(owner, settings, "DB_HOST", &settings->database, faults);
	}
}

static void
check_sslmode(const struct settings *settings, struct buf *faults)
{
	if (settings->pgsslmode && !conninfo_knows_sslmode(settings->pgsslmode))
		buf_text(faults, "PGSSLMODE: must be one of: " CONNINFO_SSLMODES "\n");
}

/* The SCRAM keys save the client PBKDF2. They stand for one password, that of DATABASE_URL. libpq
 * 18 supports them; with an older one, creating the connector fails. */
static void
add_scram_keys(void *owner, struct settings *settings, struct buf *faults)
{
	const char *client = settings->database_scram_client_key,
	           *server = settings->database_scram_server_key;

	if (!client != !server)
		buf_text(faults, "DATABASE_SCRAM_CLIENT_KEY, DATABASE_SCRAM_SERVER_KEY:"
		                 " must be set together\n");
	if (!client || !server)
		return;
	log_secret(client);
	log_secret(server);
	conninfo_default(owner, &settings->database, "scram_client_key", client);
	conninfo_default(owner, &settings->database, "scram_server_key", server);
}

static void
check_databases(void *owner, struct settings *settings, struct buf *faults)
{
	if (settings->database_url)
		read_url(owner, settings, "DATABASE_URL", settings->database_url,
		         &settings->database, faults);
	else
		read_parts(owner, settings, faults);
	read_url(owner, settings, "DATABASE_REPLICA_URL", settings->database_replica_url,
	         &settings->replica, faults);
	add_scram_keys(owner, settings, faults);
	settings->migration = settings->database;
	read_url(owner, settings, "MIGRATION_DATABASE_URL", settings->migration_database_url,
	         &settings->migration, faults);
}

static void
check_redis(void *owner, struct settings *settings, struct buf *faults)
{
	struct error err;

	if (!settings->redis_url)
		return;
	if (!redis_url_parse(owner, settings->redis_url, &settings->redis, &err))
		buf_printf(faults, "REDIS_URL: %s\n", err.message);
	else
		log_secret(settings->redis.password);
}

static void
check_secret_key(const struct settings *settings, const char *name, const char *key,
                 struct buf *faults)
{
	const char *fault = settings->env == ENV_PRODUCTION && key ? secret_key_fault(key) : NULL;

	if (fault)
		buf_printf(faults, "%s: %s\n", name, fault);
}

static void
check_secret_keys(const struct settings *settings, struct buf *faults)
{
	check_secret_key(settings, "SECRET_KEY", settings->secret_key, faults);
	check_secret_key(settings, "SECRET_KEY_PREVIOUS", settings->secret_key_previous, faults);
	if (settings->secret_key_previous && !settings->secret_key)
		buf_text(faults, "SECRET_KEY_PREVIOUS: requires SECRET_KEY\n");
}

static void
check_auth_scheme(const struct settings *settings, struct buf *faults)
{
	for (const char *c = settings->auth_scheme; c && *c; c++)
		if (!text_is_alnum(*c) && *c != '-') {
			buf_text(faults, "AUTH_SCHEME: must be letters, digits and dashes, such as"
			                 " Token\n");
			return;
		}
}

/* Paths that nginx answers in another way than with a program of the prefix. */
static bool
is_reserved(const char *segment, size_t size)
{
	static const char *const reserved[] = { "health", "metrics", "docs", "redoc",
		                                "openapi.json" };

	for (size_t i = 0; i < COUNT_OF(reserved); i++)
		if (strlen(reserved[i]) == size && strncmp(reserved[i], segment, size) == 0)
			return true;
	return false;
}

/* Segments of letters, digits and the characters ._- that nginx and the programs read alike. */
static bool
is_prefix(const char *text)
{
	size_t count = 0;

	while (*text == '/') {
		size_t size = 0;

		text++;
		while (text_is_alnum(text[size]) || text[size] == '_' || text[size] == '-'
		       || text[size] == '.')
			size++;
		if (size == 0 || *text == '.' || (count == 0 && is_reserved(text, size)))
			return false;
		text += size;
		count++;
	}
	return !*text && count <= PREFIX_SEGMENTS_MAX;
}

/* A slash at its end is dropped. */
static void
check_prefix(void *owner, struct settings *settings, struct buf *faults)
{
	const char *prefix = settings->api_prefix;
	size_t size = strlen(prefix);

	if (size > 0 && prefix[size - 1] == '/')
		settings->api_prefix = prefix = mem_strndup(owner, prefix, size - 1);
	if (!is_prefix(prefix) || size > PREFIX_MAX_BYTES)
		buf_text(faults,
		         "API_PREFIX: must be a path such as /api/v1, of letters, digits and"
		         " the characters . _ -\n");
}

/* Over http anybody on the way could give us keys. */
static void
check_keys_place(const struct settings *settings, struct buf *faults)
{
	const char *jwks = settings->jwt_jwks;
	bool is_url = url_is_service(jwks);

	if (is_url && settings->env == ENV_PRODUCTION && !text_starts(jwks, "https://"))
		buf_text(faults, "JWT_JWKS: must be an https:// URL in production\n");
	else if (!is_url && jwks[0] != '/')
		buf_text(faults, "JWT_JWKS: must be an https:// URL without user and password, or"
		                 " the absolute path of a file\n");
}

static void
check_issuer(const struct settings *settings, struct buf *faults)
{
	if (settings->jwt_jwks) {
		check_keys_place(settings, faults);
		if (!settings->jwt_issuer)
			buf_text(faults, "JWT_ISSUER: is required with JWT_JWKS\n");
	} else {
		if (settings->jwt_issuer)
			buf_text(faults, "JWT_ISSUER: requires JWT_JWKS\n");
		if (settings->jwt_audience)
			buf_text(faults, "JWT_AUDIENCE: requires JWT_JWKS\n");
	}
}

void
settings_check(void *owner, struct settings *settings, struct buf *faults, struct buf *warnings)
{
	if (settings->serverless)
		settings->database_connection = CONNECTION_NULL;
	if (settings->debug)
		settings->log_level = LOG_DEBUG;
	if (settings->database_pool_size + settings->database_max_overflow == 0)
		buf_text(faults, "DATABASE_POOL_SIZE, DATABASE_MAX_OVERFLOW:"
		                 " at least one must be greater than 0\n");
	check_sslmode(settings, faults);
	check_databases(owner, settings, faults);
	check_redis(owner, settings, faults);
	check_secret_keys(settings, faults);
	check_auth_scheme(settings, faults);
	check_prefix(owner, settings, faults);
	check_issuer(settings, faults);
	settings_check_origins(owner, settings, faults);
	settings_check_otel(owner, settings, faults, warnings);
}
