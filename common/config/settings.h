/* settings.h - every setting, in one table: name, type, default per environment, bounds, secret
 *
 * A value comes from the first source that has one: the environment; for a secret, systemd's
 * credentials; the settings file; else it is the default (sources.h). An empty value counts as not
 * set. All faults are found at once and reported by name, never by value. A name that looks like a
 * misspelled setting is a fault in the file; in the environment, which also has variables of other
 * programs, it is a warning.
 */
#ifndef NULLPOOL_CONFIG_SETTINGS_H
#define NULLPOOL_CONFIG_SETTINGS_H

#include "base/attributes.h"
#include "base/buf.h"
#include "config/choices.h"
#include "config/conninfo.h"
#include "config/own_settings.h"
#include "config/redis_url.h"
#include "config/sources.h"

#define SETTINGS_MAX        96

#define OTLP_HEADERS_MAX    16
#define OTEL_ATTRIBUTES_MAX 32

struct settings {
	int64_t env; /* enum environment */
	bool serverless;
	const char *app_name;
	bool debug;
	int64_t log_level;                      /* enum log_level */
	int64_t log_format;                     /* enum log_format */
	int64_t slow_query_ms, slow_request_ms; /* 0: no warning */
	bool slow_query_explain;
	int64_t otlp_timeout_ms;
	/* As written; otlp_url, otlp_header, otel_attribute and otel_sampler are derived from them.
	 */
	const char *otlp_endpoint, *otlp_traces_endpoint, *otlp_headers;
	const char *otel_sdk_disabled, *otel_service_name, *otel_resource_attributes;
	const char *otel_traces_sampler, *otel_traces_sampler_arg;

	const char *database_url;
	const char *db_host, *db_name, *db_user, *db_password;
	int64_t db_port;
	const char *database_replica_url;
	const char *migration_database_url;
	int64_t database_connection; /* enum connection_mode */
	int64_t database_ahead_ttl_s;
	int64_t database_sslnegotiation; /* enum ssl_negotiation */
	/* libpq's defaults for sslmode and sslrootcert of every URL; NULL if not set. */
	const char *pgsslmode, *pgsslrootcert;
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
	int64_t master_idle_timeout_s; /* 0: never ends */

	const char *redis_url;
	int64_t redis_timeout_ms;
	int64_t cache_ttl_s;

	const char *secret_key;          /* signs and verifies; NULL if not set */
	const char *secret_key_previous; /* only verifies; NULL if not set */
	const char *algorithm;
	int64_t access_token_expire_minutes;
	const char *auth_scheme; /* of Authorization, beside Bearer; NULL: none */
	/* Of access tokens of another issuer: the path or the URL of its keys (NULL: there is
	 * none), what its tokens have in iss and aud, and the claim that has their scopes. */
	const char *jwt_jwks, *jwt_issuer, *jwt_audience, *jwt_scope_claim;
	/* Of np_fetch(): whether it goes to private addresses and to http, and the CAs that it
	 * trusts in place of the system's (NULL: those). */
	bool fetch_private;
	const char *fetch_ca_file;
	const char *api_prefix; /* of all paths, such as "/api/v1"; "": none */
	const char *cors_origins;
	bool docs;
	bool health_details;
	bool server_timing;

	struct source_text texts[SETTINGS_MAX]; /* one for each row of the table */
	struct own_settings own;                /* those that the program declares */

	/* Derived from the texts above. */
	struct conninfo database;
	struct conninfo replica;   /* only if database_replica_url is set */
	struct conninfo migration; /* of MIGRATION_DATABASE_URL, else the same as database */
	struct redis_url redis;    /* only if redis_url is set */
	const char *otlp_url;      /* where spans are sent; NULL: no spans are made */
	const char *otlp_header[OTLP_HEADERS_MAX + 1]; /* "Name: value"; ends with NULL */
	struct otel_attribute {
		const char *key, *value;
	} otel_attribute[OTEL_ATTRIBUTES_MAX]; /* of the resource; always has service.name */
	size_t otel_attribute_count;
	struct otel_sampler {
		bool parent_based;  /* the caller's decision is followed, if it sent one */
		double probability; /* that another trace is sampled, from 0 to 1 */
	} otel_sampler;

	/* A line "NAME: what is wrong" for each value or variable that is ignored; may be "". */
	const char *warnings;
};

/* Returns what is wrong with the settings that a program declares (NULL: none), or NULL. */
const char *settings_fault(void *owner, const struct np_settings *declared);

/* Reads all settings, and those that a program declares (NULL: none), which are borrowed; all
 * memory belongs to owner. `environment` has the form of environ. Returns false if there is a
 * fault; `faults` then has one line "NAME: what is wrong" for each. Secrets are registered with
 * log_secret() as they are read, so that none can appear in the log. */
NP_MUST_CHECK bool settings_read(void *owner, char *const *environment,
                                 const struct np_settings *declared, struct settings *settings,
                                 struct buf *faults);

/* Overwrites the secrets in the environment that this process was started with, which
 * /proc/PID/environ and `ps e` show. The variables keep their values, in other memory, for the
 * program file that a reload executes. To be called once, before the first thread starts. */
void settings_hide_environment(const struct np_settings *declared);

/* Prints a line "NAME value (source)" for each setting; the value of a secret is ***. The settings
 * must have been read in this process. */
void settings_print(const struct settings *settings, struct buf *out);

#endif
