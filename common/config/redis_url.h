/* redis_url.h - redis[s]://[user:]password@host:port/database or unix:///path?db=0, parsed
 *
 * unix://./path is relative to the working directory, because the path of a socket is limited to
 * 107 bytes. rediss:// is TLS. It verifies the server with the system's CAs, or with those in the
 * file of ?ssl_ca_certs=, which is redis-py's name for it.
 */
#ifndef NULLPOOL_CONFIG_REDIS_URL_H
#define NULLPOOL_CONFIG_REDIS_URL_H

#include "base/attributes.h"
#include "base/error.h"

struct redis_url {
	const char *path; /* of a Unix socket; NULL if host and port are used */
	const char *host;
	int port;
	bool tls;
	const char *ca_file;  /* or NULL */
	const char *user;     /* or NULL */
	const char *password; /* or NULL */
	int database;
};

/* The strings belong to owner. An error never quotes any part of the URL. */
NP_MUST_CHECK bool redis_url_parse(void *owner, const char *text, struct redis_url *redis,
                                   struct error *err);

#endif
