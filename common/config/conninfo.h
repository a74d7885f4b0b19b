/* conninfo.h - any Postgres URL that people have in a .env, as checked libpq keywords
 *
 * Accepted are postgres:// and postgresql://, with the name of a SQLAlchemy driver (+asyncpg,
 * +psycopg2, …), percent-encoded parts and asyncpg's ?ssl=. Parameters that poolers and ORMs add
 * for their own use are dropped with a warning. Refused are several hosts, server settings in
 * `options` (poolers reject them) and unknown parameters.
 */
#ifndef NULLPOOL_CONFIG_CONNINFO_H
#define NULLPOOL_CONFIG_CONNINFO_H

#include "base/attributes.h"
#include "base/buf.h"
#include "base/error.h"

#define CONNINFO_MAX 32

/* For messages. */
#define CONNINFO_SSLMODES "disable, allow, prefer, require, verify-ca, verify-full"

struct conninfo {
	/* In the form of PQconnectStartParams(); both end with NULL. */
	const char *keywords[CONNINFO_MAX + 1];
	const char *values[CONNINFO_MAX + 1];
	size_t count;
	const char *redacted; /* the same as a URL, with *** for the password */
	const char *warning;  /* the names of the dropped parameters, or NULL */
};

/* The values of DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD; NULL if not set. */
struct conninfo_parts {
	const char *host, *port, *name, *user, *password;
};

/* Both make a conninfo whose strings belong to owner. An error never quotes a value. */
NP_MUST_CHECK bool conninfo_parse(void *owner, const char *url, struct conninfo *info,
                                  struct error *err);
NP_MUST_CHECK bool conninfo_from_parts(void *owner, const struct conninfo_parts *parts,
                                       struct conninfo *info, struct error *err);

/* Returns the value of a keyword, or NULL. */
const char *conninfo_get(const struct conninfo *info, const char *keyword);

/* Adds a keyword unless it is present. Keyword and value are borrowed. */
void conninfo_default(void *owner, struct conninfo *info, const char *keyword, const char *value);

/* Returns true if the connection goes over a network, not over a Unix socket on this machine. */
bool conninfo_is_network(const struct conninfo *info);

/* Returns true if the host is a numeric address, not a name. It ignores hostaddr. */
bool conninfo_is_address(const struct conninfo *info);

/* Returns true if the host is a name that has to be resolved. */
bool conninfo_needs_resolving(const struct conninfo *info);

/* Returns true if sslmode is require or stronger, so that no password goes to a server without TLS.
 */
bool conninfo_needs_tls(const struct conninfo *info);

/* Returns true for one of CONNINFO_SSLMODES. */
bool conninfo_knows_sslmode(const char *mode);

/* Returns true if the system's CAs verify the server (sslrootcert=system). */
bool conninfo_has_system_root(const struct conninfo *info);

/* Returns true for the host or port of a transaction pooler (Neon's -pooler, Supabase's 6543). */
bool conninfo_is_pooler(const struct conninfo *info);

/* Returns true for a host of Neon's, direct or pooled. */
bool conninfo_is_neon(const struct conninfo *info);

/* Appends {"host": "…", …}, password included, for programs that are not written in C. */
void conninfo_json(const struct conninfo *info, struct buf *out);

#endif
