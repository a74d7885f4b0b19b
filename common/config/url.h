/* url.h - scheme://user:password@host:port/path?name=value, parsed and percent-decoded once
 *
 * We do not leave this to libpq, because its message quotes a URL that it cannot parse, password
 * included. No error from here quotes any part of the URL.
 */
#ifndef NULLPOOL_CONFIG_URL_H
#define NULLPOOL_CONFIG_URL_H

#include "base/attributes.h"
#include "base/error.h"

#define URL_MAX_BYTES  4096
#define URL_PARAMS_MAX 32

struct url_param {
	const char *name;
	const char *value;
};

/* An absent part is NULL. */
struct url {
	const char *scheme;
	const char *user;
	const char *password;
	const char *host; /* an IPv6 address without its brackets */
	const char *port; /* 1 to 65535 */
	int64_t port_number;
	const char *path; /* without its leading slash */
	struct url_param params[URL_PARAMS_MAX];
	size_t param_count;
};

/* Returns true if it is an http or https URL of a service, without user and password, because logs
 * show it. */
bool url_is_service(const char *text);

/* The strings belong to owner. */
NP_MUST_CHECK bool url_parse(void *owner, const char *text, struct url *url, struct error *err);

#endif
