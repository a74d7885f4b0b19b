/* tls.h - TLS to the server at the price of one connection: what OpenSSL is told before libpq uses
 * it
 *
 * Two things cost without need. A server that takes P-256 only (Postgres up to 17, unless told
 * otherwise) answers the X25519 share that OpenSSL sends with a HelloRetryRequest: one more round
 * trip. And a bundle of CAs, as people name it in sslrootcert, is parsed for every connection: 25
 * to 33 ms of CPU.
 */
#ifndef NULLPOOL_DB_TLS_H
#define NULLPOOL_DB_TLS_H

#include <libpq-fe.h>
#include <sys/stat.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "db/keywords.h"

/* Makes P-256 the first group of every TLS client in this process, on top of the system's
 * configuration. Not when the person names a configuration (OPENSSL_CONF) or the system's has
 * groups of its own. Once, before the first connection. */
void tls_prefer_p256(void);

/* Does that now, and all else that OpenSSL does once, modules that the configuration names
 * included. */
void tls_load(void);

/* The text of such a configuration, on top of the file at `path`; false when that has groups of its
 * own or cannot be read. */
NP_MUST_CHECK bool tls_config(const char *path, struct buf *out);

/* Whether OpenSSL holds bytes that libpq has not taken, which poll() does not see. */
bool tls_has_more(PGconn *pg);

/* What sslrootcert comes to. A file of many CAs is used whole until a connection has shown which
 * one signs for the server; from then on that one alone, until the file changes or it does not do
 * any more. */
struct tls_root {
	const char *bundle; /* NULL: nothing is to be gained */
	struct stat seen;   /* of the bundle, before the connection that the root was learnt from */
	int forgotten;      /* times */
	int fd;             /* -1, or the root alone */
	char path[32];      /* of fd */
};

/* Looks at what the keywords say, and for sslrootcert=system changes them: to OpenSSL's hashed
 * directory where libpq knows "system", to the system's bundle and verify-full where it does not.
 */
void tls_root_init(struct tls_root *root, struct keywords *keywords);

/* The file to be used now; NULL: what the keywords say. */
const char *tls_root_file(struct tls_root *root);

/* After a connection whose certificate was verified. */
void tls_root_learn(struct tls_root *root, PGconn *pg);

/* True if a connection failed with the one root alone, which is forgotten: it may succeed with the
 * bundle. */
bool tls_root_forget(struct tls_root *root);

#endif
