/* tcp.h - what the kernel knows of a connection, from TCP_INFO (tcp(7), Linux 4.19)
 *
 * An answer that is waited for after something was sent is a round trip. (What was acknowledged
 * tells nothing about what was acted on: a peer acknowledges up to 40 ms late, and may have
 * committed and died by then.)
 */
#ifndef NULLPOOL_DB_TCP_H
#define NULLPOOL_DB_TCP_H

#include <stdint.h>

/* Bytes sent since the connection was made; -1 where the kernel does not tell (a unix socket). */
int64_t tcp_bytes_sent(int fd);

#endif
