/* tls.h - what OpenSSL is told before libpq uses it, and what it says afterwards
 *
 * Two costs of a connection can be avoided. A server that accepts P-256 only (Postgres up to 17 by
 * default) answers the X25519 key share that OpenSSL sends with a HelloRetryRequest, which is one
 * more round trip. And libpq parses the CAs of sslrootcert for every connection: 25 to 33 ms of CPU
 * for a bundle as people download it.
 *
 * libpq has no keyword for groups and makes its own SSL_CTX, so only OpenSSL's configuration can
 * set them. This is done here, in the process, and not by a file that is shipped and named in
 * OPENSSL_CONF. Such a file would take the place of the system's: OpenSSL reads one init section,
 * whose name a file that includes the system's cannot know, and a FIPS provider or the
 * distribution's policy on algorithms would be lost. And only systemd and make run could name it;
 * a CGI program, a command in a shell and whatever spawn-fcgi starts would need the round trip.
 */
#ifndef NULLPOOL_DB_TLS_H
#define NULLPOOL_DB_TLS_H

#include <libpq-fe.h>
#include <sys/stat.h>

#include "base/attributes.h"
#include "db/keywords.h"

/* Makes P-256 the first group of every TLS client in this process, on top of the system's
 * configuration, unless OPENSSL_CONF is set or the system's configuration sets groups itself. Does
 * so once; call it before the first connection. */
void tls_prefer_p256(void);

/* Initializes OpenSSL now, with that and with everything else that it does once, such as loading
 * the providers that the configuration names. */
void tls_load(void);

/* The configuration in the file at `path` with P-256 as the first group; the caller frees it with
 * NCONF_free(). NULL if the file sets groups itself or cannot be read. */
struct conf_st *tls_config(const char *path);

/* Returns true if OpenSSL holds bytes that libpq has not taken, which poll() does not see. */
bool tls_has_more(PGconn *pg);

/* libpq frees its TLS state when a handshake fails, before anybody can ask for the reason. So it is
 * held from the handshake's first step on. Returns NULL if that has not begun; the caller calls
 * tls_release(). */
struct ssl_st *tls_hold(PGconn *pg);
void tls_release(struct ssl_st *tls); /* NULL is allowed */

/* Returns true if OpenSSL refused the server's certificate. */
bool tls_has_refused(const struct ssl_st *tls);

/* Which CAs are used for sslrootcert. A bundle is used until a connection has shown which of its
 * CAs signs for the server. From then on that CA is used alone, until the file changes or
 * verification with it fails. */
struct tls_root {
	const char *bundle; /* NULL: sslrootcert is not a bundle, or it is used each time */
	struct stat seen;   /* the bundle's state before the connection that showed the CA */
	int forgotten;      /* how many times */
	int fd;             /* a file in memory with that CA alone; -1: the bundle is used */
	char path[32];      /* of fd */
};

/* Reads the keywords, and replaces sslrootcert=system: by OpenSSL's hashed directory if libpq knows
 * "system", else by the system's bundle and verify-full. */
void tls_root_init(struct tls_root *root, struct keywords *keywords);

/* The file for the next connection's sslrootcert; NULL: use what the keywords say. */
const char *tls_root_file(struct tls_root *root);

/* Learns the CA from an open connection whose certificate was verified. */
void tls_root_learn(struct tls_root *root, PGconn *pg);

/* Goes back to the bundle. Returns true if a single CA was in use, so that another attempt may
 * succeed. */
bool tls_root_forget(struct tls_root *root);

#endif
