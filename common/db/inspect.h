/* inspect.h - what a connection turned out to be, for people */
#ifndef NULLPOOL_DB_INSPECT_H
#define NULLPOOL_DB_INSPECT_H

#include "base/attributes.h"
#include "db/connect.h"

struct tls_facts {
	const char *version, *cipher, *group; /* OpenSSL's names; group may be "-" */
	const char *chain;                    /* "localhost < Example CA", the owner's */
	int days_left;                        /* of what ends first in it; below 0: it ended */
	bool verified; /* by a CA and for its name (sslmode=verify-full), or by a CA */
};

/* False: there is no TLS. */
NP_MUST_CHECK bool inspect_tls(void *owner, const struct connection *connection,
                               struct tls_facts *facts);

/* Whether a password was asked for. */
bool inspect_used_password(const struct connection *connection);

/* Whether the server's process is the one that answered first: nobody shares it out between
 * clients. */
bool inspect_is_direct(const struct connection *connection, const char *backend_pid);

/* 170002 is 17.2; 0: it did not say. Before a pooler it may be another's. */
int inspect_server_version(const struct connection *connection);

#endif
