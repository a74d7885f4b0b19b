/* resolve.h - names to addresses, within a deadline, remembered for a minute
 *
 * libpq and hiredis resolve inside their connect functions, where nothing can stop a resolver that
 * hangs. c-ares asks here, over sockets that the caller polls beside its own: /etc/hosts and the
 * name servers of /etc/resolv.conf, with its search list, for IPv4 and IPv6. It knows nothing of
 * glibc's NSS modules.
 *
 * A question that got no answer in time stays open, and the next caller with the same name waits
 * for the same. An answer serves for RESOLVE_CACHE_S; whoever could not connect with it makes it
 * forgotten. Each question reads the files anew.
 *
 * A process that has asked must not fork while a question is open.
 */
#ifndef NULLPOOL_BASE_RESOLVE_H
#define NULLPOOL_BASE_RESOLVE_H

#include <netinet/in.h>

#include "base/attributes.h"
#include "base/clock.h"

#define RESOLVE_MAX     8
#define RESOLVE_CACHE_S 60

struct addresses {
	char texts[RESOLVE_MAX][INET6_ADDRSTRLEN]; /* numeric, in the order of RFC 6724 */
	size_t count;
};

/* It is numeric, IPv4 or IPv6, rather than a name. */
bool resolve_is_address(const char *host);

enum resolve_outcome { RESOLVE_DONE, RESOLVE_PENDING, RESOLVE_FAILED };

/* Never waits: call it again, as resolve_need() says, until it is not pending. A numeric host is
 * its own answer. One process asks for a database, a replica and a Redis at a time; more names
 * wait for one of those. *why is filled with RESOLVE_FAILED, and is what to say at a deadline
 * with RESOLVE_PENDING; it lives for ever. */
NP_MUST_CHECK enum resolve_outcome resolve_start(const char *host, struct addresses *addresses,
                                                 const char **why);

/* What to wait for while an outcome is pending. */
struct resolve_need {
	int fd; /* to be read; the same for all questions. -1: no question is open any more */
	int timeout_ms; /* call resolve_start() in any case after so long; -1: no limit */
};
struct resolve_need resolve_need(void);

/* Waits for that, but not past the deadline. */
void resolve_wait(struct deadline deadline);

/* Calls resolve_start() and resolve_wait() until the deadline. Returns false with *why. */
NP_MUST_CHECK bool resolve(const char *host, struct deadline deadline, struct addresses *addresses,
                           const char **why);

/* Forgets what is known of a name: its addresses did not answer. */
void resolve_forget(const char *host);

/* For tests: the file to read instead of /etc/resolv.conf, and the port of its servers.
 * Borrowed. */
void resolve_set_config(char *resolv_conf, uint16_t port);

#endif
