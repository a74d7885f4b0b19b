/* certificate.h - what a server's certificate says, and why it is refused, in words for people
 *
 * libpq says "certificate verify failed", and not what of it.
 */
#ifndef NULLPOOL_DB_CERTIFICATE_H
#define NULLPOOL_DB_CERTIFICATE_H

#include "base/attributes.h"

struct ssl_st; /* OpenSSL's SSL */

enum certificate_fault {
	CERTIFICATE_OK,
	CERTIFICATE_EXPIRED,
	CERTIFICATE_NOT_YET_VALID, /* its time has not begun */
	CERTIFICATE_UNTRUSTED,     /* signed by itself, or by a CA that is not trusted */
	CERTIFICATE_OTHER_HOST,    /* another host's */
	CERTIFICATE_OTHER,
};

/* After a handshake that was let pass (SSL_VERIFY_NONE): what a client that verifies says to it.
 * With a host (NULL: it does not matter) the name has to fit too. Unless it is good, *why (owner's)
 * has OpenSSL's reason, names and dates. */
enum certificate_fault certificate_judge(void *owner, struct ssl_st *tls, const char *host,
                                         const char **why);

/* "db.example.com < Example CA": who signed for whom up to the last that is known, owner's. */
const char *certificate_chain(void *owner, struct ssl_st *tls);

/* The name at the chain's end, owner's. */
const char *certificate_root(void *owner, struct ssl_st *tls);

/* Of the one in the chain that ends first; below 0: it has ended. */
int certificate_days_left(struct ssl_st *tls);

#endif
