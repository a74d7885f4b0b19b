/* wire.h - bytes to and from Redis, as they are or by TLS, for no longer than until a deadline
 *
 * Ours, because hiredis has no TLS in Debian 12, and where it has, checks no host's name and waits
 * by timeouts of its own. The server's certificate is always verified: against the system's CAs or
 * those of a file, and for the host's name or address.
 */
#ifndef NULLPOOL_CACHE_WIRE_H
#define NULLPOOL_CACHE_WIRE_H

#include "base/attributes.h"
#include "base/clock.h"

struct wire; /* one connection */

/* On a connected socket that does not block; the wire belongs to owner, the socket stays the
 * caller's. host: the name to verify, for TLS; NULL: none is spoken. ca_file: NULL is the system's
 * CAs. */
RETURNS_OWNED struct wire *wire_new(void *owner, int fd, const char *host, const char *ca_file);

/* TLS' handshake; without TLS nothing happens. Each of these is false when it did not succeed: the
 * wire is then of no use any more, and wire_last_error() says why. */
NP_MUST_CHECK bool wire_handshake(struct wire *wire, struct deadline deadline);
NP_MUST_CHECK bool wire_write(struct wire *wire, struct deadline deadline, const char *bytes,
                              size_t size);

/* At least one byte; *got are read. */
NP_MUST_CHECK bool wire_read(struct wire *wire, struct deadline deadline, char *bytes, size_t size,
                             size_t *got);

/* Whether it is as it should be while nothing was asked: open, with nothing to read. */
bool wire_is_idle(const struct wire *wire);

const char *wire_last_error(const struct wire *wire);

#endif
