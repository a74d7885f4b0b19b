/* conninfo.h - any Postgres URL that people have in a .env, as checked libpq keywords
 *
 * Accepted: postgres:// and postgresql://, with a SQLAlchemy driver (+asyncpg, +psycopg2, …),
 * percent-encoded parts, asyncpg's ?ssl=, and what poolers and ORMs add for themselves, which is
 * left out with a warning. Refused: several hosts, server settings in `options` (poolers reject
 * them), names that nobody knows.
 */
#ifndef NULLPOOL_CONFIG_CONNINFO_H
#define NULLPOOL_CONFIG_CONNINFO_H

#include "base/attributes.h"
#include "base/buf.h"
#include "base/error.h"

#define CONNINFO_MAX 32

struct conninfo {
	/* In the form of PQconnectStartParams(): both end with NULL. */
	const char *keywords[CONNINFO_MAX + 1];
	const char *values[CONNINFO_MAX + 1];
	size_t count;
	const char *redacted; /* the same as a URL, the password as *** */
	const char *warning;  /* which parameters were left out, or NULL */
};

/* The parts of DB_HOST and its siblings; NULL where absent. */
struct conninfo_parts {
	const char *host, *port, *name, *user, *password;
};

/* All that they make belongs to owner. An error never quotes a value. */
NP_MUST_CHECK bool conninfo_parse(void *owner, const char *url, struct conninfo *info,
                                  struct error *err);
NP_MUST_CHECK bool conninfo_from_parts(void *owner, const struct conninfo_parts *parts,
                                       struct conninfo *info, struct error *err);

const char *conninfo_get(const struct conninfo *info, const char *keyword); /* or NULL */

/* Adds a keyword that is not there yet; its strings are borrowed. */
void conninfo_default(void *owner, struct conninfo *info, const char *keyword, const char *value);

/* Over a network, rather than a unix socket on this machine. */
bool conninfo_is_network(const struct conninfo *info);

/* Its host is numeric, not a name; hostaddr is not looked at. */
bool conninfo_is_address(const struct conninfo *info);

/* Its host is a name that has to be resolved. */
bool conninfo_needs_resolving(const struct conninfo *info);

/* sslmode is require or stronger, so that no password goes to a server without TLS. */
bool conninfo_needs_tls(const struct conninfo *info);

/* One of libpq's. */
bool conninfo_knows_sslmode(const char *mode);

/* What proves the server are the system's CAs: sslrootcert=system. */
bool conninfo_has_system_root(const struct conninfo *info);

/* A host or port at which a transaction pooler answers (Neon's -pooler, Supabase's 6543). */
bool conninfo_is_pooler(const struct conninfo *info);

/* Neon's front end, direct or pooled. */
bool conninfo_is_neon(const struct conninfo *info);

/* {"host": "…", …} for programs that are not C. It holds the password. */
void conninfo_json(const struct conninfo *info, struct buf *out);

#endif
