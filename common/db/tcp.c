#include "db/tcp.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

int64_t
tcp_bytes_sent(int fd)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	/* An older kernel fills only part of the struct. */
	if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0
	    || size < offsetof(struct tcp_info, tcpi_bytes_sent) + sizeof(info.tcpi_bytes_sent))
		return -1;
	return (int64_t)info.tcpi_bytes_sent;
}
