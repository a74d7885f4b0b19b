/* redis_tls.h - what a TLS connection to Redis verifies
 *
 * Ours, because hiredis has no TLS in Debian 12, and where it has, it does not check the host's
 * name. The server's certificate is always verified: against the system's CAs or those of a file,
 * and for the host's name or address. The minimum version is TLS 1.2.
 */
#ifndef NULLPOOL_CACHE_REDIS_TLS_H
#define NULLPOOL_CACHE_REDIS_TLS_H

#include <openssl/types.h>

#include "base/attributes.h"

/* For stream_start_tls(). ca_file: NULL is the system's CAs. Returns NULL and *why if the CAs
 * cannot be loaded. */
NP_MUST_CHECK SSL *redis_tls_new(const char *host, const char *ca_file, const char **why);

#endif
