/* inspect.h - facts about an open connection, for people */
#ifndef NULLPOOL_DB_INSPECT_H
#define NULLPOOL_DB_INSPECT_H

#include "base/attributes.h"
#include "db/connect.h"

struct tls_facts {
	const char *version, *cipher, *group; /* OpenSSL's names; group may be "-" */
	const char *chain;                    /* "localhost < Example CA"; belongs to owner */
	int days_left; /* until the first certificate in it expires; below 0: one has */
	bool verified; /* by a CA; with sslmode=verify-full also for its name */
};

/* Returns false if the connection has no TLS. */
NP_MUST_CHECK bool inspect_tls(void *owner, const struct connection *connection,
                               struct tls_facts *facts);

/* Returns true if the server asked for a password. */
bool inspect_used_password(const struct connection *connection);

/* Returns true if backend_pid, of pg_backend_pid(), is the process that the connection began with:
 * no pooler is in between. */
bool inspect_is_direct(const struct connection *connection, const char *backend_pid);

/* 170002 is 17.2; 0: unknown. A pooler may report the version of another server. */
int inspect_server_version(const struct connection *connection);

#endif
