/* keywords.h - what libpq is told: a conninfo, as far as this libpq knows its keywords, and what we
 * add
 *
 * An unknown keyword is fatal to libpq, so it is asked (PQconndefaults) what it knows: 15 lacks
 * sslnegotiation and require_auth, 16 the first, 18 brought scram_client_key.
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
	bool knows_system_root; /* sslrootcert=system, with libpq 16 */
};

/* Once a process, before the first connection: takes what libpq would read from the environment
 * (PG*) away, since PGOPTIONS and others become start-up parameters that poolers refuse; but for
 * what protects the connection. */
void keywords_clean_environment(void);

/* False: this libpq does not know one that security depends on. Others are left out with a warning
 * in the log. Borrows the conninfo's texts. */
NP_MUST_CHECK bool keywords_init(struct keywords *keywords, const struct conninfo *info,
                                 struct error *err);

/* NULL: it is not among them. */
const char *keywords_get(const struct keywords *keywords, const char *name);

/* Adds a keyword, or replaces the value of one that is there. */
void keywords_set(struct keywords *keywords, const char *name, const char *value);

#endif
