#include "config/conninfo.h"

#include "base/mem.h"
#include "base/resolve.h"
#include "base/text.h"
#include "config/url.h"

enum use { USE, LEAVE_OUT, SSL_OF_ASYNCPG, ONLY_ENDPOINT };

/* The parameters that may stand behind the ? */
static const struct {
	const char *name;
	enum use use;
} known[] = {
	/* libpq's, https://www.postgresql.org/docs/current/libpq-connect.html */
	{ "host", USE },
	{ "hostaddr", USE },
	{ "port", USE },
	{ "dbname", USE },
	{ "user", USE },
	{ "password", USE },
	{ "sslmode", USE },
	{ "sslnegotiation", USE },
	{ "sslrootcert", USE },
	{ "sslcert", USE },
	{ "sslkey", USE },
	{ "sslpassword", USE },
	{ "sslcrl", USE },
	{ "sslcrldir", USE },
	{ "sslsni", USE },
	{ "ssl_min_protocol_version", USE },
	{ "ssl_max_protocol_version", USE },
	{ "channel_binding", USE },
	{ "require_auth", USE },
	{ "gssencmode", USE },
	{ "krbsrvname", USE },
	{ "keepalives", USE },
	{ "keepalives_idle", USE },
	{ "keepalives_interval", USE },
	{ "keepalives_count", USE },
	{ "tcp_user_timeout", USE },
	{ "options", ONLY_ENDPOINT },
	/* libpq's, but nullpool's own settings and deadlines decide. */
	{ "application_name", LEAVE_OUT },
	{ "fallback_application_name", LEAVE_OUT },
	{ "client_encoding", LEAVE_OUT },
	{ "connect_timeout", LEAVE_OUT },
	{ "target_session_attrs", LEAVE_OUT },
	/* asyncpg, psycopg, SQLAlchemy, Prisma, node-postgres and the providers' consoles */
	{ "ssl", SSL_OF_ASYNCPG },
	{ "command_timeout", LEAVE_OUT },
	{ "timeout", LEAVE_OUT },
	{ "statement_cache_size", LEAVE_OUT },
	{ "prepared_statement_cache_size", LEAVE_OUT },
	{ "prepared_statement_name_func", LEAVE_OUT },
	{ "prepare_threshold", LEAVE_OUT },
	{ "pgbouncer", LEAVE_OUT },
	{ "connection_limit", LEAVE_OUT },
	{ "pool_timeout", LEAVE_OUT },
	{ "supa", LEAVE_OUT },
	{ "uselibpqcompat", LEAVE_OUT },
};

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

/* A part of the URL itself: one that is there for the first time. */
static void
put(struct conninfo *info, const char *keyword, const char *value)
{
	if (!value)
		return;
	info->keywords[info->count] = keyword;
	info->values[info->count++] = value;
}

static bool
add(struct conninfo *info, const char *keyword, const char *value, struct error *err)
{
	if (conninfo_get(info, keyword))
		return error_set(err, NP_INVALID, "gives %s twice", keyword);
	if (info->count == CONNINFO_MAX)
		return error_set(err, NP_INVALID, "has more than %d parts", CONNINFO_MAX);
	put(info, keyword, value);
	return true;
}

/* asyncpg's ssl= takes libpq's modes, and drivers before it true and false. */
static const char *
sslmode_of_ssl(const char *value)
{
	if (text_equal_nocase(value, "true"))
		return "require";
	return text_equal_nocase(value, "false") ? "disable" : value;
}

/* The name of a parameter for a message. A raw & in ?password= cuts it, and its rest looks like a
 * name: then none is shown. */
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
		return error_set(err, NP_INVALID,
		                 "has the parameter \"%s\", which is not known here",
		                 shown_name(url, param));
	switch (known[i].use) {
	case LEAVE_OUT:
		info->warning = info->warning
		                    ? mem_printf(owner, "%s, %s", info->warning, known[i].name)
		                    : known[i].name;
		return true;
	case SSL_OF_ASYNCPG:
		return add(info, "sslmode", sslmode_of_ssl(param->value), err);
	case ONLY_ENDPOINT:
		/* Neon's way to name the endpoint without SNI; poolers refuse anything else at
		 * start-up. */
		if ((!text_starts(param->value, "endpoint=")
		     && !text_starts(param->value, "project="))
		    || strchr(param->value, ' '))
			return error_set(err, NP_INVALID,
			                 "has server settings in options, which poolers refuse:"
			                 " set them with ALTER ROLE … SET");
		break;
	case USE:
		break;
	}
	return add(info, known[i].name, param->value, err);
}

/* Of one that names host, user and database. */
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
	/* In brackets, as an IPv6 address is. */
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
check(void *owner, struct conninfo *info, struct error *err)
{
	const char *sslmode = conninfo_get(info, "sslmode"), *host = conninfo_get(info, "host");
	const char *port = conninfo_get(info, "port"), *address = conninfo_get(info, "hostaddr");
	int64_t number;

	if (is_empty(host))
		return error_set(err, NP_INVALID, "names no host");
	if (strchr(host, ',') || (address && strchr(address, ',')) || (port && strchr(port, ',')))
		return error_set(err, NP_INVALID,
		                 "names several hosts, of which only one is supported");
	if (port && (!parse_int(port, &number) || number < 1 || number > 65535))
		return error_set(err, NP_INVALID,
		                 "has a port that is not a number from 1 to 65535");
	if (is_empty(conninfo_get(info, "user")) || is_empty(conninfo_get(info, "dbname")))
		return error_set(err, NP_INVALID, "needs a user and a database name");
	if (sslmode && !conninfo_knows_sslmode(sslmode))
		return error_set(
		    err, NP_INVALID,
		    "has an sslmode that is none of disable, allow, prefer, require, verify-ca, verify-full");
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
		return error_set(err, NP_INVALID,
		                 "does not start with postgres:// or postgresql://");
	put(&made, "host", url->host);
	put(&made, "port", url->port);
	put(&made, "dbname", url->path);
	put(&made, "user", url->user);
	put(&made, "password", url->password);
	for (size_t i = 0; i < url->param_count; i++)
		if (!add_param(owner, &made, url, &url->params[i], err))
			return false;
	if (!check(owner, &made, err))
		return false;
	*info = made;
	return true;
}

bool
conninfo_from_parts(void *owner, const struct conninfo_parts *parts, struct conninfo *info,
                    struct error *err)
{
	struct conninfo made = { .count = 0 };

	put(&made, "host", parts->host);
	put(&made, "port", parts->port);
	put(&made, "dbname", parts->name);
	put(&made, "user", parts->user);
	put(&made, "password", parts->password);
	if (!check(owner, &made, err))
		return false;
	*info = made;
	return true;
}

void
conninfo_default(void *owner, struct conninfo *info, const char *keyword, const char *value)
{
	struct error ignored;

	if (!conninfo_get(info, keyword) && add(info, keyword, value, &ignored))
		redact(owner, info);
}

bool
conninfo_is_network(const struct conninfo *info)
{
	const char *host = conninfo_get(info, "host");

	/* libpq connects to hostaddr where there is one; @ is its mark of an abstract socket. */
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
