/* resolve.h - host names to addresses, within a deadline, cached for a minute
 *
 * libpq and hiredis resolve inside their connect functions, where nothing can stop a resolver that
 * hangs. Here c-ares asks, over sockets that the caller can poll beside its own. It reads
 * /etc/hosts and /etc/resolv.conf with its search list, for IPv4 and IPv6, anew for each query. It
 * does not know glibc's NSS modules.
 *
 * A query without an answer in time stays open, and the next caller with the same name waits for
 * the same query. An answer is used for RESOLVE_CACHE_S; a caller that could not connect to its
 * addresses forgets it.
 *
 * A process must not fork while a query is open.
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

/* Returns true for a numeric IPv4 or IPv6 address, false for a name. */
bool resolve_is_address(const char *host);

enum resolve_outcome { RESOLVE_DONE, RESOLVE_PENDING, RESOLVE_FAILED };

/* Starts a query or looks for its answer; never waits. The caller repeats the call, as
 * resolve_need() says, while the outcome is RESOLVE_PENDING. A numeric host is its own answer.
 * There is room for three names, since a process has a database, a replica and a Redis; further
 * names wait for one of those. *why says what failed, or what to report if the deadline passes
 * while the outcome is pending; it is never freed. */
NP_MUST_CHECK enum resolve_outcome resolve_start(const char *host, struct addresses *addresses,
                                                 const char **why);

/* What to wait for while an outcome is pending. */
struct resolve_need {
	int fd; /* to be polled for POLLIN; the same for all queries. -1: no query is open */
	int timeout_ms; /* call resolve_start() again after this time at the latest; -1: no limit */
};
struct resolve_need resolve_need(void);

/* Waits for that, but not past the deadline. */
void resolve_wait(struct deadline deadline);

/* Calls resolve_start() and resolve_wait() until the deadline. Returns false with *why. */
NP_MUST_CHECK bool resolve(const char *host, struct deadline deadline, struct addresses *addresses,
                           const char **why);

/* The same for the name of another service, which somebody else may have chosen: these have places
 * of their own, and a query ends with its caller. */
NP_MUST_CHECK bool resolve_outside(const char *host, struct deadline deadline,
                                   struct addresses *addresses, const char **why);

/* Removes a name's addresses from the cache, because they did not answer. */
void resolve_forget(const char *host);

/* For tests: the file to read instead of /etc/resolv.conf, and the port of its name servers. The
 * path is borrowed. */
void resolve_set_config(char *resolv_conf, uint16_t port);

#endif
