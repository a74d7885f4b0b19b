/* server_stream.h - bytes to and from the database's server without libpq
 *
 * It finds out what libpq does not tell: whether the TLS handshake needed a second try, and why a
 * server's certificate is refused. libpq resolves and connects (dial.h), so the stream leads to
 * where a request's connection would lead; nothing has been sent when the stream takes its socket.
 * Sending, receiving and the TLS handshake are those of base/stream.h, under one deadline.
 */
#ifndef NULLPOOL_DB_SERVER_STREAM_H
#define NULLPOOL_DB_SERVER_STREAM_H

#include "base/attributes.h"
#include "base/clock.h"
#include "config/conninfo.h"
#include "db/certificate.h"
#include "db/keywords.h"

struct server_stream;

/* Returns NULL if no address can be reached. Info and keywords are borrowed. The stream belongs to
 * owner, and mem_free() closes it. */
struct server_stream *server_stream_open(void *owner, const struct conninfo *info,
                                         const struct keywords *keywords, struct deadline deadline);

/* Return false if the connection ends, or at the deadline, before all bytes are through. */
NP_MUST_CHECK bool server_stream_send(struct server_stream *server, const void *bytes, size_t size);
NP_MUST_CHECK bool server_stream_receive(struct server_stream *server, void *bytes, size_t size);

struct server_tls {
	bool retried;       /* the server wanted another group: one more round trip */
	bool authenticates; /* the server asked for a client certificate and got one */
	bool verifies;      /* there are CAs, of the URL or ~/.postgresql/root.crt */
	int roots;          /* the number of CAs */
	int64_t roots_us;   /* the time that reading them took */
	/* With `verifies`, after a handshake: what a client that verifies finds. */
	enum certificate_fault fault;
	const char *why;  /* with a fault; belongs to the stream's owner */
	const char *root; /* without one: the name of the CA that signs for the server */
};

/* Performs the TLS handshake as libpq would, with the same CAs, name and client certificate, and
 * verifies the server's certificate afterwards: a bad one does not end the handshake. Returns false
 * if the handshake failed; then only `verifies` and the CAs are known. */
NP_MUST_CHECK bool server_stream_start_tls(struct server_stream *server, struct server_tls *facts);

#endif
