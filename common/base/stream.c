#include "base/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/mem.h"
#include "base/poll.h"

#define ERROR_BYTES 160

struct stream {
	int fd;
	SSL *tls; /* NULL: in the clear */
	char error[ERROR_BYTES];
};

static const char no_answer[] = "no answer within the time allowed";
static const char closed_by_server[] = "the server closed the connection";

/* Returns false. */
static bool
stream_failed(struct stream *stream, const char *why)
{
	(void)snprintf(stream->error, sizeof(stream->error), "%s", why);
	return false;
}

static bool
wait_for_events(struct stream *stream, short events, struct deadline deadline)
{
	switch (poll_until(stream->fd, events, deadline)) {
	case POLL_READY:
		return true;
	case POLL_TIMEOUT:
		return stream_failed(stream, no_answer);
	default:
		return stream_failed(stream, strerror(errno));
	}
}

struct stream *
stream_new(void *owner, int fd)
{
	struct stream *stream = mem_new(owner, struct stream);

	stream->fd = fd;
	return stream;
}

/* --- TLS --- */

/* OpenSSL reports the errors of the last call only if none was left from before. */
static void
clear_errors(void)
{
	errno = 0;
	ERR_clear_error();
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
	return errno ? strerror(errno) : closed_by_server;
}

/* Takes the result of a call that did not succeed. Returns true when the call is to be repeated. */
static bool
wait_for_tls(struct stream *stream, int result, struct deadline deadline)
{
	int want = SSL_get_error(stream->tls, result);

	if (want != SSL_ERROR_WANT_READ && want != SSL_ERROR_WANT_WRITE)
		return stream_failed(stream, tls_reason(stream->tls));
	/* A peer may send records for ever that carry no data. */
	if (deadline_passed(deadline))
		return stream_failed(stream, no_answer);
	return wait_for_events(stream, want == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline);
}

static void
free_tls(void *tls)
{
	SSL_free(tls);
	ERR_clear_error();
}

bool
stream_start_tls(struct stream *stream, SSL *tls, struct deadline deadline)
{
	int result;

	stream->tls = tls;
	mem_own(stream, tls, free_tls);
	if (!SSL_set_fd(tls, stream->fd))
		return stream_failed(stream, tls_reason(tls));
	do {
		clear_errors();
		result = SSL_connect(tls);
		if (result == 1)
			return true;
	} while (wait_for_tls(stream, result, deadline));
	return false;
}

static bool
write_tls(struct stream *stream, struct deadline deadline, const char *bytes, size_t size,
          size_t *done)
{
	int result;

	do {
		clear_errors();
		result = SSL_write_ex(stream->tls, bytes, size, done);
		if (result == 1)
			return true;
	} while (wait_for_tls(stream, result, deadline));
	return false;
}

static bool
read_tls(struct stream *stream, struct deadline deadline, char *bytes, size_t size, size_t *got)
{
	int result;

	do {
		clear_errors();
		result = SSL_read_ex(stream->tls, bytes, size, got);
		if (result == 1)
			return true;
	} while (wait_for_tls(stream, result, deadline));
	return false;
}

/* --- in the clear --- */

static bool
is_transient(int error)
{
	return error == EAGAIN || error == EINTR;
}

static bool
write_clear(struct stream *stream, struct deadline deadline, const char *bytes, size_t size,
            size_t *done)
{
	ssize_t result;

	while ((result = send(stream->fd, bytes, size, MSG_NOSIGNAL)) < 0 && is_transient(errno))
		if (!wait_for_events(stream, POLLOUT, deadline))
			return false;
	if (result < 0)
		return stream_failed(stream, strerror(errno));
	*done = (size_t)result;
	return true;
}

/* What is read is rarely there at once, so poll() comes first. */
static bool
read_clear(struct stream *stream, struct deadline deadline, char *bytes, size_t size, size_t *got)
{
	ssize_t result;

	do {
		if (!wait_for_events(stream, POLLIN, deadline))
			return false;
		result = recv(stream->fd, bytes, size, 0);
	} while (result < 0 && is_transient(errno));
	if (result <= 0)
		return stream_failed(stream, result == 0 ? closed_by_server : strerror(errno));
	*got = (size_t)result;
	return true;
}

/* --- both --- */

bool
stream_write(struct stream *stream, struct deadline deadline, const char *bytes, size_t size)
{
	for (size_t done; size > 0; bytes += done, size -= done)
		if (!(stream->tls ? write_tls : write_clear)(stream, deadline, bytes, size, &done))
			return false;
	return true;
}

bool
stream_read(struct stream *stream, struct deadline deadline, char *bytes, size_t size, size_t *got)
{
	return (stream->tls ? read_tls : read_clear)(stream, deadline, bytes, size, got);
}

bool
stream_is_idle(const struct stream *stream)
{
	return !(stream->tls && SSL_pending(stream->tls) > 0)
	       && poll_until(stream->fd, POLLIN, DEADLINE_NOW) == POLL_TIMEOUT;
}

const char *
stream_last_error(const struct stream *stream)
{
	return stream->error;
}
