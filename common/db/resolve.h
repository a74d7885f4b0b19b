/* resolve.h - names to addresses, within a deadline
 *
 * libpq resolves inside PQconnectStart(), where nothing can stop a resolver that hangs. glibc's getaddrinfo_a(3) asks
 * in a thread of its own; a question that got no answer in time is left to it, and the next one waits for the same.
 */
#ifndef NULLPOOL_DB_RESOLVE_H
#define NULLPOOL_DB_RESOLVE_H

#include <netinet/in.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"

#define RESOLVE_MAX 8

struct addresses {
	char texts[RESOLVE_MAX][INET6_ADDRSTRLEN]; /* numeric, in the order of RFC 6724 */
	size_t count;
};

/* NP_UNAVAILABLE when there is no answer. One process asks one question at a time. */
NP_MUST_CHECK bool resolve(const char *host, struct deadline deadline, struct addresses *addresses,
                           struct error *err);

#endif
