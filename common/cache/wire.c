#include "cache/wire.h"

#include <errno.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/poll.h"

#define WHY_BYTES 160

struct wire {
	int fd;
	SSL *tls; /* NULL: none is spoken */
	char why[WHY_BYTES];
};

/* Returns false. */
static bool
failed(struct wire *wire, const char *why)
{
	(void)snprintf(wire->why, sizeof(wire->why), "%s", why);
	return false;
}

static bool
wait_for(struct wire *wire, short events, struct deadline deadline)
{
	switch (poll_until(wire->fd, events, deadline)) {
	case POLL_READY:
		return true;
	case POLL_TIMEOUT:
		return failed(wire, "no answer within the time allowed");
	default:
		return failed(wire, strerror(errno));
	}
}

/* --- TLS --- */

/* One that is kept by nobody but its connections. NULL: the CAs cannot be used. */
static SSL_CTX *
new_context(const char *ca_file)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context)
		return NULL;
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION)
	    && (ca_file ? SSL_CTX_load_verify_locations(context, ca_file, NULL)
	                : SSL_CTX_set_default_verify_paths(context)))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

/* An address stands in a certificate as one, and is no name to ask a server for (RFC 6066 3). */
static bool
expect(SSL *tls, char *host)
{
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host))
		return true;
	return SSL_set1_host(tls, host) && SSL_set_tlsext_host_name(tls, host);
}

static void
release(void *tls)
{
	SSL_free(tls);
}

static void
begin_tls(struct wire *wire, const char *host, const char *ca_file)
{
	SSL_CTX *context;

	ERR_clear_error();
	context = new_context(ca_file);
	wire->tls = context ? SSL_new(context) : NULL;
	SSL_CTX_free(context); /* the connection has it too */
	if (wire->tls)
		mem_own(wire, wire->tls, release);
	if (!wire->tls || !SSL_set_fd(wire->tls, wire->fd)
	    || !expect(wire->tls, mem_strdup(wire, host)))
		(void)failed(wire, ca_file ? "the file of ssl_ca_certs cannot be used"
		                           : "TLS cannot be used");
}

static const char *
tls_reason(const SSL *tls)
{
	long verified = SSL_get_verify_result(tls);
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	if (verified != X509_V_OK)
		return X509_verify_cert_error_string(verified);
	if (reason)
		return reason;
	return errno ? strerror(errno) : "the server ended the connection";
}

/* After a call that did not do it: true when it is to be tried again. */
static bool
may_go_on(struct wire *wire, int result, struct deadline deadline)
{
	switch (SSL_get_error(wire->tls, result)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(wire, POLLIN, deadline);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(wire, POLLOUT, deadline);
	default:
		return failed(wire, tls_reason(wire->tls));
	}
}

/* OpenSSL's errors are of the last call only when none was left from before. */
static void
forget_errors(void)
{
	errno = 0;
	ERR_clear_error();
}

/* --- both --- */

struct wire *
wire_new(void *owner, int fd, const char *host, const char *ca_file)
{
	struct wire *wire = mem_new(owner, struct wire);

	wire->fd = fd;
	if (host)
		begin_tls(wire, host, ca_file);
	return wire;
}

bool
wire_handshake(struct wire *wire, struct deadline deadline)
{
	int result;

	if (wire->why[0] || !wire->tls)
		return !wire->why[0];
	do {
		forget_errors();
		result = SSL_connect(wire->tls);
		if (result == 1)
			return true;
	} while (may_go_on(wire, result, deadline));
	return false;
}

static bool
write_tls(struct wire *wire, struct deadline deadline, const char *bytes, size_t size, size_t *done)
{
	int result;

	do {
		forget_errors();
		result = SSL_write_ex(wire->tls, bytes, size, done);
		if (result == 1)
			return true;
	} while (may_go_on(wire, result, deadline));
	return false;
}

static bool
write_plain(struct wire *wire, struct deadline deadline, const char *bytes, size_t size,
            size_t *done)
{
	ssize_t result;

	do {
		if (!wait_for(wire, POLLOUT, deadline))
			return false;
		result = write(wire->fd, bytes, size);
	} while (result < 0 && (errno == EAGAIN || errno == EINTR));
	if (result < 0)
		return failed(wire, strerror(errno));
	*done = (size_t)result;
	return true;
}

bool
wire_write(struct wire *wire, struct deadline deadline, const char *bytes, size_t size)
{
	for (size_t done; size > 0; bytes += done, size -= done)
		if (!(wire->tls ? write_tls : write_plain)(wire, deadline, bytes, size, &done))
			return false;
	return true;
}

static bool
read_tls(struct wire *wire, struct deadline deadline, char *bytes, size_t size, size_t *got)
{
	int result;

	do {
		forget_errors();
		result = SSL_read_ex(wire->tls, bytes, size, got);
		if (result == 1)
			return true;
	} while (may_go_on(wire, result, deadline));
	return false;
}

static bool
read_plain(struct wire *wire, struct deadline deadline, char *bytes, size_t size, size_t *got)
{
	ssize_t result;

	do {
		if (!wait_for(wire, POLLIN, deadline))
			return false;
		result = read(wire->fd, bytes, size);
	} while (result < 0 && (errno == EAGAIN || errno == EINTR));
	if (result <= 0)
		return failed(wire,
		              result == 0 ? "the server ended the connection" : strerror(errno));
	*got = (size_t)result;
	return true;
}

bool
wire_read(struct wire *wire, struct deadline deadline, char *bytes, size_t size, size_t *got)
{
	return (wire->tls ? read_tls : read_plain)(wire, deadline, bytes, size, got);
}

bool
wire_is_idle(const struct wire *wire)
{
	return !(wire->tls && SSL_pending(wire->tls) > 0)
	       && poll_until(wire->fd, POLLIN, DEADLINE_NOW) == POLL_TIMEOUT;
}

const char *
wire_last_error(const struct wire *wire)
{
	return wire->why;
}
