#include "config/redis_url.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/url.h"

#define REDIS_PORT         6379
#define REDIS_DATABASE_MAX 1023

static bool
parse_database(const char *text, struct redis_url *redis, struct error *err)
{
	int64_t number;

	if (!parse_int(text, &number) || number < 0 || number > REDIS_DATABASE_MAX)
		return error_set(err, FAILURE_INVALID, "has an invalid database number (0 to %d)",
		                 REDIS_DATABASE_MAX);
	redis->database = (int)number;
	return true;
}

static bool
parse_param(const struct url_param *param, struct redis_url *redis, struct error *err)
{
	if (strcmp(param->name, "db") == 0)
		return parse_database(param->value, redis, err);
	if (!redis->tls || strcmp(param->name, "ssl_ca_certs") != 0 || !*param->value)
		return error_set(err, FAILURE_INVALID,
		                 "has a parameter other than db and, with rediss://, ssl_ca_certs");
	redis->ca_file = param->value;
	return true;
}

bool
redis_url_parse(void *owner, const char *text, struct redis_url *redis, struct error *err)
{
	struct url *url = mem_new(owner, struct url);
	struct redis_url made = { .port = REDIS_PORT };

	if (!url_parse(owner, text, url, err))
		return false;
	/* Most likely a password without its colon. It must neither pass for a user name nor be
	 * ignored. */
	if (url->user && !url->password)
		return error_set(err, FAILURE_INVALID,
		                 "has a user without a password"
		                 " (write a password alone as redis://:password@host)");
	made.user = url->user;
	made.password = url->password;
	if (url->port)
		made.port = (int)url->port_number;
	made.tls = strcmp(url->scheme, "rediss") == 0;
	for (size_t i = 0; i < url->param_count; i++)
		if (!parse_param(&url->params[i], &made, err))
			return false;
	if (strcmp(url->scheme, "unix") == 0) {
		bool relative = url->host && strcmp(url->host, ".") == 0;

		if ((url->host && !relative) || !url->path)
			return error_set(err, FAILURE_INVALID,
			                 "needs three slashes before the path: unix:///path");
		made.path = mem_printf(owner, "%s/%s", relative ? "." : "", url->path);
	} else if (made.tls || strcmp(url->scheme, "redis") == 0) {
		made.host = url->host ? url->host : "localhost";
		if (url->path && !parse_database(url->path, &made, err))
			return false;
	} else {
		return error_set(err, FAILURE_INVALID,
		                 "does not start with redis://, rediss:// or unix://");
	}
	*redis = made;
	return true;
}
