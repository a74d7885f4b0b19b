#include "config/conninfo.h"

#include "base/mem.h"
#include "base/resolve.h"
#include "base/text.h"
#include "config/url.h"

enum use { PASS, DROP, ASYNCPG_SSL, ENDPOINT_ONLY };

/* The parameters that may follow the ?, and what is done with each. */
static const struct {
	const char *name;
	enum use use;
} known[] = {
	/* libpq's, https://www.postgresql.org/docs/current/libpq-connect.html */
	{ "host", PASS },
	{ "hostaddr", PASS },
	{ "port", PASS },
	{ "dbname", PASS },
	{ "user", PASS },
	{ "password", PASS },
	{ "sslmode", PASS },
	{ "sslnegotiation", PASS },
	{ "sslrootcert", PASS },
	{ "sslcert", PASS },
	{ "sslkey", PASS },
	{ "sslpassword", PASS },
	{ "sslcrl", PASS },
	{ "sslcrldir", PASS },
	{ "sslsni", PASS },
	{ "ssl_min_protocol_version", PASS },
	{ "ssl_max_protocol_version", PASS },
	{ "channel_binding", PASS },
	{ "require_auth", PASS },
	{ "gssencmode", PASS },
	{ "krbsrvname", PASS },
	{ "keepalives", PASS },
	{ "keepalives_idle", PASS },
	{ "keepalives_interval", PASS },
	{ "keepalives_count", PASS },
	{ "tcp_user_timeout", PASS },
	{ "options", ENDPOINT_ONLY },
	/* libpq's, but set by nullpool's own settings and deadlines. */
	{ "application_name", DROP },
	{ "fallback_application_name", DROP },
	{ "client_encoding", DROP },
	{ "connect_timeout", DROP },
	{ "target_session_attrs", DROP },
	/* Of asyncpg, psycopg, SQLAlchemy, Prisma, node-postgres and the consoles of providers */
	{ "ssl", ASYNCPG_SSL },
	{ "command_timeout", DROP },
	{ "timeout", DROP },
	{ "statement_cache_size", DROP },
	{ "prepared_statement_cache_size", DROP },
	{ "prepared_statement_name_func", DROP },
	{ "prepare_threshold", DROP },
	{ "pgbouncer", DROP },
	{ "connection_limit", DROP },
	{ "pool_timeout", DROP },
	{ "supa", DROP },
	{ "uselibpqcompat", DROP },
};

/* In ascending strength. */
static const char *const sslmodes[] = { "disable", "allow",     "prefer",
	                                "require", "verify-ca", "verify-full" };
#define SSLMODE_REQUIRE 3

static size_t
sslmode_strength(const char *mode)
{
	size_t strength = 0;

	while (strength < COUNT_OF(sslmodes) && strcmp(sslmodes[strength], mode) != 0)
		strength++;
	return strength;
}

bool
conninfo_knows_sslmode(const char *mode)
{
	return sslmode_strength(mode) < COUNT_OF(sslmodes);
}

const char *
conninfo_get(const struct conninfo *info, const char *keyword)
{
	for (size_t i = 0; i < info->count; i++)
		if (strcmp(info->keywords[i], keyword) == 0)
			return info->values[i];
	return NULL;
}

/* Adds a part of the URL itself, unless it is absent. It is the first one of its keyword. */
static void
put_part(struct conninfo *info, const char *keyword, const char *value)
{
	if (!value)
		return;
	info->keywords[info->count] = keyword;
	info->values[info->count++] = value;
}

static bool
add_keyword(struct conninfo *info, const char *keyword, const char *value, struct error *err)
{
	if (conninfo_get(info, keyword))
		return error_set(err, FAILURE_INVALID, "specifies %s twice", keyword);
	if (info->count == CONNINFO_MAX)
		return error_set(err, FAILURE_INVALID, "has more than %d parts", CONNINFO_MAX);
	put_part(info, keyword, value);
	return true;
}

/* asyncpg's ssl= takes the modes of libpq; older drivers also took true and false. */
static const char *
sslmode_of_ssl(const char *value)
{
	if (text_equal_nocase(value, "true"))
		return "require";
	return text_equal_nocase(value, "false") ? "disable" : value;
}

/* Returns the name of a parameter for a message. A raw & in ?password= would make the rest of the
 * password look like a name, so a URL with such a parameter shows no names. */
static const char *
shown_name(const struct url *url, const struct url_param *param)
{
	for (size_t i = 0; i < url->param_count; i++)
		if (text_ends(url->params[i].name, "password"))
			return "…";
	return param->name;
}

static bool
add_param(void *owner, struct conninfo *info, const struct url *url, const struct url_param *param,
          struct error *err)
{
	size_t i = 0;

	while (i < COUNT_OF(known) && strcmp(known[i].name, param->name) != 0)
		i++;
	if (i == COUNT_OF(known))
		return error_set(err, FAILURE_INVALID, "has an unknown parameter \"%s\"",
		                 shown_name(url, param));
	switch (known[i].use) {
	case DROP:
		info->warning = info->warning
		                    ? mem_printf(owner, "%s, %s", info->warning, known[i].name)
		                    : known[i].name;
		return true;
	case ASYNCPG_SSL:
		return add_keyword(info, "sslmode", sslmode_of_ssl(param->value), err);
	case ENDPOINT_ONLY:
		/* Neon's way to name the endpoint without SNI. Poolers refuse anything else at
		 * startup. */
		if ((!text_starts(param->value, "endpoint=")
		     && !text_starts(param->value, "project="))
		    || strchr(param->value, ' '))
			return error_set(err, FAILURE_INVALID,
			                 "has server settings in options, which poolers refuse:"
			                 " set them with ALTER ROLE … SET");
		break;
	case PASS:
		break;
	}
	return add_keyword(info, known[i].name, param->value, err);
}

/* Writes info->redacted. Host, user and database must be present. */
static void
redact(void *owner, struct conninfo *info)
{
	static const char *const shown[] = { "sslmode", "sslrootcert", "sslnegotiation",
		                             "channel_binding" };
	const char *host = conninfo_get(info, "host"), *user = conninfo_get(info, "user");
	const char *port = conninfo_get(info, "port"), *name = conninfo_get(info, "dbname");
	struct buf out;
	char mark = '?';

	buf_init(&out, owner, (size_t)URL_MAX_BYTES * 4);
	buf_text(&out, "postgresql://");
	buf_percent(&out, user, "");
	buf_text(&out, conninfo_get(info, "password") ? ":***@" : "@");
	/* An IPv6 address is written in brackets. */
	buf_text(&out, strchr(host, ':') ? "[" : "");
	buf_percent(&out, host, ":");
	buf_text(&out, strchr(host, ':') ? "]" : "");
	if (port)
		buf_printf(&out, ":%s", port);
	buf_char(&out, '/');
	buf_percent(&out, name, "");
	for (size_t i = 0; i < COUNT_OF(shown); i++) {
		const char *value = conninfo_get(info, shown[i]);

		if (!value)
			continue;
		buf_printf(&out, "%c%s=", mark, shown[i]);
		buf_percent(&out, value, "/");
		mark = '&';
	}
	info->redacted = out.data;
}

static bool
is_empty(const char *text)
{
	return !text || !*text;
}

static bool
check_parts(void *owner, struct conninfo *info, struct error *err)
{
	const char *sslmode = conninfo_get(info, "sslmode"), *host = conninfo_get(info, "host");
	const char *port = conninfo_get(info, "port"), *address = conninfo_get(info, "hostaddr");
	int64_t number;

	if (is_empty(host))
		return error_set(err, FAILURE_INVALID, "does not name a host");
	if (strchr(host, ',') || (address && strchr(address, ',')) || (port && strchr(port, ',')))
		return error_set(err, FAILURE_INVALID,
		                 "names several hosts, but only one is supported");
	if (port && (!parse_int(port, &number) || number < 1 || number > 65535))
		return error_set(err, FAILURE_INVALID,
		                 "has a port that is not a number from 1 to 65535");
	if (is_empty(conninfo_get(info, "user")) || is_empty(conninfo_get(info, "dbname")))
		return error_set(err, FAILURE_INVALID, "needs a user and a database name");
	if (sslmode && !conninfo_knows_sslmode(sslmode))
		return error_set(err, FAILURE_INVALID,
		                 "has an invalid sslmode (must be one of: " CONNINFO_SSLMODES ")");
	redact(owner, info);
	return true;
}

static bool
is_postgres(const char *scheme)
{
	size_t size = strcspn(scheme, "+");

	return (size == 8 && strncmp(scheme, "postgres", size) == 0)
	       || (size == 10 && strncmp(scheme, "postgresql", size) == 0);
}

bool
conninfo_parse(void *owner, const char *text, struct conninfo *info, struct error *err)
{
	struct conninfo made = { .count = 0 };
	struct url *url = mem_new(owner, struct url);

	if (!url_parse(owner, text, url, err))
		return false;
	if (!is_postgres(url->scheme))
		return error_set(err, FAILURE_INVALID,
		                 "does not start with postgres:// or postgresql://");
	put_part(&made, "host", url->host);
	put_part(&made, "port", url->port);
	put_part(&made, "dbname", url->path);
	put_part(&made, "user", url->user);
	put_part(&made, "password", url->password);
	for (size_t i = 0; i < url->param_count; i++)
		if (!add_param(owner, &made, url, &url->params[i], err))
			return false;
	if (!check_parts(owner, &made, err))
		return false;
	*info = made;
	return true;
}

bool
conninfo_from_parts(void *owner, const struct conninfo_parts *parts, struct conninfo *info,
                    struct error *err)
{
	struct conninfo made = { .count = 0 };

	put_part(&made, "host", parts->host);
	put_part(&made, "port", parts->port);
	put_part(&made, "dbname", parts->name);
	put_part(&made, "user", parts->user);
	put_part(&made, "password", parts->password);
	if (!check_parts(owner, &made, err))
		return false;
	*info = made;
	return true;
}

void
conninfo_default(void *owner, struct conninfo *info, const char *keyword, const char *value)
{
	struct error ignored;

	if (!conninfo_get(info, keyword) && add_keyword(info, keyword, value, &ignored))
		redact(owner, info);
}

bool
conninfo_is_network(const struct conninfo *info)
{
	const char *host = conninfo_get(info, "host");

	/* libpq connects to hostaddr if there is one. It marks an abstract socket with @. */
	return conninfo_get(info, "hostaddr") || (host[0] != '/' && host[0] != '@');
}

bool
conninfo_has_system_root(const struct conninfo *info)
{
	const char *root = conninfo_get(info, "sslrootcert");

	return root && strcmp(root, "system") == 0;
}

bool
conninfo_is_address(const struct conninfo *info)
{
	return resolve_is_address(conninfo_get(info, "host"));
}

bool
conninfo_needs_resolving(const struct conninfo *info)
{
	return conninfo_is_network(info) && !conninfo_get(info, "hostaddr")
	       && !conninfo_is_address(info);
}

bool
conninfo_needs_tls(const struct conninfo *info)
{
	const char *mode = conninfo_get(info, "sslmode");

	return mode && sslmode_strength(mode) >= SSLMODE_REQUIRE;
}

bool
conninfo_is_pooler(const struct conninfo *info)
{
	const char *host = conninfo_get(info, "host"), *port = conninfo_get(info, "port");

	return strstr(host, "-pooler.") != NULL || (port && strcmp(port, "6543") == 0);
}

bool
conninfo_is_neon(const struct conninfo *info)
{
	static const char domain[] = ".neon.tech";
	const char *host = conninfo_get(info, "host");
	size_t size = strlen(host);

	return size >= strlen(domain) && strcmp(host + size - strlen(domain), domain) == 0;
}

void
conninfo_json(const struct conninfo *info, struct buf *out)
{
	for (size_t i = 0; i < info->count; i++) {
		buf_char(out, i == 0 ? '{' : ',');
		buf_json_text(out, info->keywords[i]);
		buf_char(out, ':');
		buf_json_text(out, info->values[i]);
	}
	buf_char(out, '}');
}
