/* probe.h - a connection of our own to the database's server, as far as its question for a password
 *
 * For what libpq does not tell: whether the handshake needed a second try, why a certificate is
 * refused, which way of authentication is asked for. It goes where libpq would go, with the same
 * CAs and name, and sends no password. Where the URL wants the server proven, one that is not hears
 * no user's name either. It waits by poll() and under a deadline.
 */
#ifndef NULLPOOL_DB_PROBE_H
#define NULLPOOL_DB_PROBE_H

#include "base/attributes.h"
#include "base/clock.h"
#include "config/conninfo.h"
#include "db/certificate.h"

enum probe_tls {
	PROBE_NOT_ASKED, /* not reached, not wanted, or no answer */
	PROBE_NO_TLS,    /* the server has none */
	PROBE_STRANGE,   /* its answer is not one of Postgres */
	PROBE_TLS,
};

enum probe_method {
	PROBE_UNKNOWN,     /* not come so far, or the server said no */
	PROBE_NOTHING,     /* it asks for nothing: trust, peer, ident */
	PROBE_CERTIFICATE, /* the same after it was sent the client's certificate, which it wanted
	                    */
	PROBE_PASSWORD,    /* itself */
	PROBE_MD5,
	PROBE_SCRAM,
	PROBE_GSS,
	PROBE_SASL_OTHER,
	PROBE_METHOD__MAX,
};

/* As pg_hba.conf has them; of PROBE_UNKNOWN: NULL. */
extern const char *const probe_method_names[PROBE_METHOD__MAX];

struct probe {
	enum probe_tls tls;
	bool again;                   /* the server wanted another group: a round trip more */
	bool verifies;                /* by a CA, as the URL or ~/.postgresql/root.crt has it */
	enum certificate_fault fault; /* for a client that verifies; only with `verifies` */
	const char *why;              /* the owner's */
	const char *root; /* the name of the CA that signs for the server, the owner's; NULL: not
	                     verified */
	bool bundle;      /* sslrootcert is a file of many CAs */
	int roots;        /* CAs in it */
	int64_t roots_us; /* reading them took so long */
	enum probe_method method;
	bool binding;      /* SCRAM is offered with channel binding */
	bool knows_direct; /* libpq has sslnegotiation */
};

/* Finds out what it can; what it could not stays 0. */
void probe_run(void *owner, const struct conninfo *info, struct deadline deadline,
               struct probe *probe);

#endif
