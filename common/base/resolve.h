/* resolve.h - names to addresses, within a deadline, remembered for a minute
 *
 * libpq and hiredis resolve inside their connect functions, where nothing can stop a resolver that hangs. glibc's
 * getaddrinfo_a(3) asks in a thread of its own; a question that got no answer in time is left to it, and the next one
 * for the same name waits for the same. An answer serves for RESOLVE_KEPT_S, as long as a resolver's own cache would
 * at least; whoever could not connect with it makes it forgotten.
 */
#ifndef NULLPOOL_BASE_RESOLVE_H
#define NULLPOOL_BASE_RESOLVE_H

#include <netinet/in.h>

#include "base/attributes.h"
#include "base/clock.h"

#define RESOLVE_MAX    8
#define RESOLVE_KEPT_S 60
/* How soon to look again for an answer that resolve_start() waits for: there is no descriptor to poll. */
#define RESOLVE_TICK_MS 5

struct addresses {
	char texts[RESOLVE_MAX][INET6_ADDRSTRLEN]; /* numeric, in the order of RFC 6724 */
	size_t count;
};

/* It is numeric, IPv4 or IPv6, rather than a name. */
bool resolve_is_address(const char *host);

enum resolve_outcome { RESOLVE_DONE, RESOLVE_PENDING, RESOLVE_FAILED };

/* Never waits: call it again until it is not pending. What is numeric already is its own answer. One process asks for a
 * database, a replica and a Redis at a time; more names wait for one of those. *why is filled with RESOLVE_FAILED, and is
 * what to say at a deadline with RESOLVE_PENDING; it lives for ever. */
NP_MUST_CHECK enum resolve_outcome resolve_start(const char *host, struct addresses *addresses,
                                                 const char **why);

/* Waits for the answer to an open question, but not past the deadline. */
void resolve_wait(struct deadline deadline);

/* Both of them, until the deadline. False: *why. */
NP_MUST_CHECK bool resolve(const char *host, struct deadline deadline, struct addresses *addresses,
                           const char **why);

/* What is known of a name is no longer believed: its addresses did not answer. */
void resolve_forget(const char *host);

#endif
