/* resolve.h - names to addresses, within a deadline, remembered for a minute
 *
 * libpq resolves inside PQconnectStart(), where nothing can stop a resolver that hangs. glibc's getaddrinfo_a(3) asks
 * in a thread of its own; a question that got no answer in time is left to it, and the next one waits for the same.
 * An answer serves for RESOLVE_KEPT_S, as long as a resolver's own cache would at least; whoever could not connect
 * with it makes it forgotten.
 */
#ifndef NULLPOOL_DB_RESOLVE_H
#define NULLPOOL_DB_RESOLVE_H

#include <netinet/in.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"

#define RESOLVE_MAX    8
#define RESOLVE_KEPT_S 60
/* How soon to look again for an answer that resolve_start() waits for: there is no descriptor to poll. */
#define RESOLVE_TICK_MS 5

struct addresses {
	char texts[RESOLVE_MAX][INET6_ADDRSTRLEN]; /* numeric, in the order of RFC 6724 */
	size_t count;
};

enum resolve_outcome { RESOLVE_DONE, RESOLVE_PENDING, RESOLVE_FAILED };

/* Never waits: call it again until it is not pending. One process asks one question at a time; another name's that is
 * still open is waited for first. RESOLVE_FAILED fills err: NP_UNAVAILABLE. */
NP_MUST_CHECK enum resolve_outcome resolve_start(const char *host, struct addresses *addresses,
                                                 struct error *err);

/* Waits for the answer to the open question, but not past the deadline. */
void resolve_wait(struct deadline deadline);

/* No answer in time. */
void resolve_late(const char *host, struct error *err);

/* What is known of a name is no longer believed: its addresses did not answer. */
void resolve_forget(const char *host);

#endif
