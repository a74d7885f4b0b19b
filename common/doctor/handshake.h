/* handshake.h - how the database's server lets a client in, as far as its question for a password
 *
 * For what libpq does not tell: whether TLS needed a second try, why a certificate is refused, and
 * which method of authentication the server asks for. The connection goes where libpq would go,
 * with the same CAs and the same name, and sends no password. If the URL demands a verified server,
 * one that fails the verification does not learn the user's name either.
 */
#ifndef NULLPOOL_DOCTOR_HANDSHAKE_H
#define NULLPOOL_DOCTOR_HANDSHAKE_H

#include "base/attributes.h"
#include "base/clock.h"
#include "config/conninfo.h"
#include "db/server_stream.h"

enum handshake_tls {
	HANDSHAKE_UNKNOWN,      /* not reached, TLS not wanted, or no answer */
	HANDSHAKE_NO_TLS,       /* the server has no TLS */
	HANDSHAKE_NOT_POSTGRES, /* what answers is not a Postgres server */
	HANDSHAKE_TLS,
};

enum handshake_method {
	METHOD_UNKNOWN,     /* not reached, or the server refused */
	METHOD_NONE,        /* trust, peer or ident */
	METHOD_CERTIFICATE, /* the same, after the server got the client certificate it wanted */
	METHOD_PASSWORD,    /* in the clear */
	METHOD_MD5,
	METHOD_SCRAM,
	METHOD_GSS,
	METHOD_OTHER_SASL,
	METHOD__MAX,
};

/* In the words of pg_hba.conf; NULL for METHOD_UNKNOWN. */
extern const char *const handshake_method_names[METHOD__MAX];

struct handshake {
	bool knows_direct; /* libpq knows sslnegotiation */
	bool bundle;       /* sslrootcert is a file of many CAs */
	enum handshake_tls tls;
	struct server_tls server; /* what TLS showed of it */
	enum handshake_method method;
	bool channel_binding; /* SCRAM is offered with it */
};

/* Finds out what it can; the rest stays 0. Texts belong to owner. */
void handshake_try(void *owner, const struct conninfo *info, struct deadline deadline,
                   struct handshake *handshake);

#endif
