/* certificate.h - a server's certificate, and why it is refused, in words for people
 *
 * libpq only says "certificate verify failed".
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

/* After a handshake without verification (SSL_VERIFY_NONE): what a client that verifies would find.
 * With a host, the certificate must also be for it; NULL: it need not. With a fault, *why has
 * OpenSSL's reason, names and dates; it belongs to owner. */
enum certificate_fault certificate_judge(void *owner, struct ssl_st *tls, const char *host,
                                         const char **why);

/* "db.example.com < Example CA": the names of the chain, as far as it is known. Belongs to owner.
 */
const char *certificate_chain(void *owner, struct ssl_st *tls);

/* The name of the CA at the chain's end. Belongs to owner. */
const char *certificate_root(void *owner, struct ssl_st *tls);

/* The days until the first certificate in the chain expires; below 0: one has expired. */
int certificate_days_left(struct ssl_st *tls);

#endif
