/* stream.h - bytes over a connected socket, in the clear or by TLS, never past a deadline
 *
 * A blocking read or write ends when the peer likes; its timeout counts for each call, so that a
 * peer that sends a byte at a time holds it for ever. Here the socket does not block, and every
 * wait is a poll() of ours.
 *
 * A function that returns false leaves the stream unusable; stream_last_error() says why.
 */
#ifndef NULLPOOL_BASE_STREAM_H
#define NULLPOOL_BASE_STREAM_H

#include <openssl/types.h>

#include "base/attributes.h"
#include "base/clock.h"

struct stream;

/* On a connected socket that does not block. The stream belongs to owner; the socket stays the
 * caller's, who closes it after the stream was released. */
RETURNS_OWNED struct stream *stream_new(void *owner, int fd);

/* Performs the TLS handshake as a client. The caller has configured `tls`: roots, verification,
 * server name. It belongs to the stream from now on, also on failure. */
NP_MUST_CHECK bool stream_start_tls(struct stream *stream, SSL *tls, struct deadline deadline);

/* Sends all of it. */
NP_MUST_CHECK bool stream_write(struct stream *stream, struct deadline deadline, const char *bytes,
                                size_t size);

/* Reads at least one byte and at most `size`; *got says how many. The end of the stream is a
 * failure. */
NP_MUST_CHECK bool stream_read(struct stream *stream, struct deadline deadline, char *bytes,
                               size_t size, size_t *got);

/* Returns true if the connection is open and there is nothing to read. */
bool stream_is_idle(const struct stream *stream);

const char *stream_last_error(const struct stream *stream);

#endif
