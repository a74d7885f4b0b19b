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
	CERTIFICATE_NOT_YET_VALID, /* valid from a later time on */
	CERTIFICATE_UNTRUSTED,     /* signed by itself, or by a CA that is not trusted */
	CERTIFICATE_OTHER_HOST,    /* issued for another host */
	CERTIFICATE_OTHER,
};

/* Verifies the certificate after a handshake that did not (SSL_VERIFY_NONE). With a host, the
 * certificate must also be for it; NULL: it need not. With a fault, *why has OpenSSL's reason,
 * names and dates; it belongs to owner. */
enum certificate_fault certificate_judge(void *owner, struct ssl_st *tls, const char *host,
                                         const char **why);

/* Returns the names of the chain, as far as it is known: "db.example.com < Example CA". Belongs to
 * owner. */
const char *certificate_chain(void *owner, struct ssl_st *tls);

/* Returns the name of the CA at the chain's end. Belongs to owner. */
const char *certificate_root(void *owner, struct ssl_st *tls);

/* Returns the days until the first certificate in the chain expires; below 0 if one has expired. */
int certificate_days_left(struct ssl_st *tls);

#endif
