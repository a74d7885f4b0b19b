/* tcp.h - what the kernel knows about a connection, from TCP_INFO (tcp(7), Linux 4.19)
 *
 * A wait for an answer after bytes were sent is a round trip. (Acknowledged bytes do not show what
 * the peer has acted on: it acknowledges up to 40 ms late, and may have committed and died by
 * then.)
 */
#ifndef NULLPOOL_DB_TCP_H
#define NULLPOOL_DB_TCP_H

#include <stdint.h>

/* The bytes sent on a connection; -1 if the kernel does not tell, as for a Unix socket. */
int64_t tcp_bytes_sent(int fd);

#endif
