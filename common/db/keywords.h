/* keywords.h - libpq's parameters: a conninfo, as far as this libpq knows its keywords, and ours
 *
 * An unknown keyword is fatal to libpq, so PQconndefaults() is asked which it knows: libpq 15 lacks
 * sslnegotiation and require_auth, 16 lacks sslnegotiation, and 18 brought scram_client_key.
 */
#ifndef NULLPOOL_DB_KEYWORDS_H
#define NULLPOOL_DB_KEYWORDS_H

#include "base/attributes.h"
#include "base/error.h"
#include "config/conninfo.h"

#define KEYWORDS_EXTRA \
	6 /* client_encoding, gssencmode, hostaddr, sslnegotiation, sslrootcert, sslmode */

struct keywords {
	const char *names[CONNINFO_MAX + KEYWORDS_EXTRA + 1]; /* both end with NULL */
	const char *values[CONNINFO_MAX + KEYWORDS_EXTRA + 1];
	size_t count;
	bool knows_sslnegotiation;
	bool knows_system_root; /* sslrootcert=system, since libpq 16 */
};

/* Removes the variables that libpq would read (PG*) from the environment, since poolers refuse the
 * startup parameters that PGOPTIONS and others become. Those that protect the connection stay. Call
 * it once a process, before the first connection. */
void keywords_clean_environment(void);

/* Fails if this libpq does not know a keyword that security depends on; other unknown keywords are
 * left out with a warning in the log. Borrows the conninfo's texts. */
NP_MUST_CHECK bool keywords_init(struct keywords *keywords, const struct conninfo *info,
                                 struct error *err);

/* Returns a keyword's value, or NULL. */
const char *keywords_get(const struct keywords *keywords, const char *name);

/* Adds a keyword, or replaces its value. Both texts are borrowed. */
void keywords_set(struct keywords *keywords, const char *name, const char *value);

#endif
