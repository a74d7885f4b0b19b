#include "serve/systemd.h"

#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

#define MESSAGE_MAX_BYTES 256

void
systemd_notify(const char *format, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char message[MESSAGE_MAX_BYTES];
	socklen_t size;
	va_list args;
	int fd;

	if (!path || !*path || strlen(path) >= sizeof(address.sun_path))
		return;
	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	memcpy(address.sun_path, path, strlen(path));
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	/* systemd writes the NUL that begins an abstract name as @. */
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
	(void)close(fd);
}

int64_t
systemd_watchdog_ms(void)
{
	const char *text = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t us, owner;

	if (!text || !parse_int(text, &us) || us <= 0)
		return 0;
	if (pid && (!parse_int(pid, &owner) || owner != getpid()))
		return 0;
	return us / 2000 > 0 ? us / 2000 : 1;
}
