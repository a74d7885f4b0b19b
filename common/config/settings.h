/* settings.h - every setting, in one table: name, type, default per environment, bounds, secret
 *
 * A value comes from the environment, else (a secret) from systemd's credentials, else from the
 * file that NULLPOOL_ENV_FILE names (default .env if it exists; /dev/null: no file), else it is the
 * default. An empty value is not set: the next source is asked. All faults are found at once and
 * reported by name, never by value. A name that misspells a setting's is a fault in the file and a
 * warning in the environment, which has variables of other programs too.
 */
#ifndef NULLPOOL_CONFIG_SETTINGS_H
#define NULLPOOL_CONFIG_SETTINGS_H

#include "base/attributes.h"
#include "base/buf.h"
#include "config/conninfo.h"
#include "config/redis_url.h"

enum environment { ENV_DEVELOPMENT, ENV_TESTING, ENV_PRODUCTION, ENV__MAX };
enum connection_mode { CONNECTION_NULL, CONNECTION_AHEAD, CONNECTION_PERSISTENT, CONNECTION__MAX };

/* What becomes of a worker that asks the kernel for what no worker needs: it ends, its call fails,
 * nothing. */
enum sandbox_mode { SANDBOX_KILL, SANDBOX_ERRNO, SANDBOX_OFF, SANDBOX__MAX };

/* How TLS begins: with a question (a round trip), or at once (Postgres 17, Neon). */
enum ssl_negotiation {
	NEGOTIATION_AUTO,
	NEGOTIATION_POSTGRES,
	NEGOTIATION_DIRECT,
	NEGOTIATION__MAX
};

#define SETTINGS_MAX        96

#define OTLP_HEADERS_MAX    16
#define OTEL_ATTRIBUTES_MAX 32

/* Names of their values, as people write them; all end with NULL. */
extern const char *const environment_names[ENV__MAX + 1];
extern const char *const connection_names[CONNECTION__MAX + 1];
extern const char *const negotiation_names[NEGOTIATION__MAX + 1];
extern const char *const sandbox_names[SANDBOX__MAX + 1];

struct settings {
	int64_t env; /* enum environment */
	bool serverless;
	const char *app_name;
	bool debug;
	int64_t log_level;                      /* enum log_level */
	int64_t log_format;                     /* enum log_format */
	int64_t slow_query_ms, slow_request_ms; /* 0: none is */
	const char *otlp_endpoint;              /* as written, as the next; see otlp_url */
	const char *otlp_traces_endpoint;
	const char *otlp_headers; /* as written; see otlp_header */
	int64_t otlp_timeout_ms;
	const char *otel_sdk_disabled; /* as written, as the next; see otlp_url, otel_attribute,
	                                  otel_sampler */
	const char *otel_service_name;
	const char *otel_resource_attributes;
	const char *otel_traces_sampler, *otel_traces_sampler_arg;
	bool slow_query_explain;

	const char *database_url;
	const char *db_host, *db_name, *db_user, *db_password;
	int64_t db_port;
	const char *database_replica_url;
	const char *migration_database_url;
	int64_t database_connection; /* enum connection_mode */
	int64_t database_ahead_ttl_s;
	int64_t database_sslnegotiation; /* enum ssl_negotiation */
	const char *pgsslmode,
	    *pgsslrootcert; /* as libpq has them, where nothing else says so; NULL: not set */
	const char *database_scram_client_key, *database_scram_server_key;

	int64_t database_pool_size;
	int64_t database_max_overflow;
	int64_t database_pool_timeout_s;
	int64_t database_pool_recycle_s; /* -1: never */
	bool database_pool_pre_ping;
	int64_t database_connect_timeout_s;
	int64_t database_command_timeout_s;
	int64_t request_timeout_s;
	int64_t worker_idle_timeout_s;
	int64_t worker_max_requests;
	int64_t worker_sandbox;        /* enum sandbox_mode */
	int64_t master_idle_timeout_s; /* 0: it stays */

	const char *redis_url;
	int64_t redis_timeout_ms;
	int64_t cache_ttl_s;

	const char *secret_key; /* signs; NULL: not set */
	const char
	    *secret_key_previous; /* verifies too what it signed before; NULL: there is none */
	const char *algorithm;
	int64_t access_token_expire_minutes;
	const char *cors_origins;
	bool docs;
	bool health_details;
	bool server_timing;

	/* For each row of the table: what was read (NULL: the default) and from where. */
	struct setting_origin {
		const char *text;
		const char *source;
	} origins[SETTINGS_MAX];

	/* What the texts above come to. */
	struct conninfo database;
	struct conninfo replica;   /* when database_replica_url is set */
	struct conninfo migration; /* of MIGRATION_DATABASE_URL, else the same as database */
	struct redis_url redis;    /* when redis_url is set */
	const char *otlp_url;      /* where traces go; NULL: no spans are made */
	const char *otlp_header[OTLP_HEADERS_MAX + 1]; /* "Name: value", ends with NULL */
	struct otel_attribute {
		const char *key, *value;
	} otel_attribute[OTEL_ATTRIBUTES_MAX]; /* of the resource; service.name is always among them
	                                        */
	size_t otel_attribute_count;
	struct otel_sampler {
		bool parent_based;  /* a caller's decision holds */
		double probability; /* of a trace that the sampler decides on, from 0 to 1 */
	} otel_sampler;

	/* A line "NAME: what is wrong" for each value or variable that is ignored; "" if there are
	 * none. */
	const char *warnings;
};

/* Reads them; everything belongs to owner. `environment` is environ or a test's own. False:
 * `faults` has one line for each. Secrets are made known to the log on the way, so that none can
 * appear in it. */
NP_MUST_CHECK bool settings_read(void *owner, char *const *environment, struct settings *settings,
                                 struct buf *faults);

/* Overwrites the secrets among the variables that this process was started with: /proc/PID/environ
 * shows that memory, and so does `ps e`. The variables keep their values, elsewhere, for the
 * program file that a reload executes. Once, before there is a thread. */
void settings_hide_environment(void);

/* What must hold between settings (settings_check.c); settings_read() calls it last. */
void settings_check(void *owner, struct settings *settings, struct buf *faults,
                    struct buf *warnings);

/* CORS_ORIGINS as browsers send them (origins.c): lower case, without a default port. */
void settings_check_origins(void *owner, struct settings *settings, struct buf *faults);

/* OTEL_…, by the OpenTelemetry specification (otel_settings.c): what it says to ignore is a
 * warning. */
void settings_check_otel(void *owner, struct settings *settings, struct buf *faults,
                         struct buf *warnings);

/* Moves *at to the next item of a list of CORS_ORIGINS' kind (separated by commas and spaces; may
 * be NULL) and returns its size; 0: there is none. The caller goes behind it. */
size_t settings_next_item(const char **at);

/* One line a setting: NAME value source, secrets as ***. For settings that were read in this
 * process. */
void settings_print(const struct settings *settings, struct buf *out);

#endif
