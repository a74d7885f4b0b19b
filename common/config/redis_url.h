/* redis_url.h - redis[s]://[user:]password@host:port/database or unix:///path?db=0, taken apart
 *
 * unix://./path is relative to the working directory: the path of a socket may have 107 bytes only.
 * rediss:// is TLS; its CAs are the system's, or of the file in ?ssl_ca_certs=, as redis-py names
 * it. */
#ifndef NULLPOOL_CONFIG_REDIS_URL_H
#define NULLPOOL_CONFIG_REDIS_URL_H

#include "base/attributes.h"
#include "base/error.h"

struct redis_url {
	const char *path; /* of a unix socket; NULL: host and port */
	const char *host;
	int port;
	bool tls;
	const char *ca_file;  /* or NULL */
	const char *user;     /* or NULL */
	const char *password; /* or NULL */
	int database;
};

NP_MUST_CHECK bool redis_url_parse(void *owner, const char *text, struct redis_url *redis,
                                   struct error *err);

#endif
