/* fail.c - makes the Nth call of one kind fail, in whichever process of a program makes it
 *
 * It is preloaded (LD_PRELOAD) into the program that FAIL_PROGRAM names. FAIL_FILE is a file that
 * the test (failures.py) and all processes of the program share: the test writes there what has to
 * fail, and reads whether and where it did. It replaces functions that a program and its libraries
 * import from libc. It does not see libc's own calls, except those for memory.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WHERE_BYTES 2048
#define KINDS_MAX   64
#define FRAMES_MAX  24
/* As the code in struct fail: the call succeeds with a single byte. */
#define SHORT (-1)

enum kind {
	KIND_NONE,
	KIND_memory,
	KIND_read,
	KIND_write,
	KIND_recv,
	KIND_peek, /* recv() with MSG_PEEK, on the connection of a request */
	KIND_send,
	KIND_connect,
	KIND_poll,
	KIND_epoll_wait,
	KIND_epoll_ctl,
	KIND_epoll_create,
	KIND_accept,
	KIND_fork,
	KIND_open,
	KIND_socket,
	KIND_eventfd,
	KIND_signalfd,
	KIND_mmap,
	KIND_ftruncate,
	KIND_fcntl,
	KIND_setsockopt,
	KIND_getsockname,
	KIND_waitpid,
	KIND_exec,
	KIND_getrandom,
	KIND_getaddrinfo,
	KIND_stdio,
	KIND_stat,
	KIND__COUNT,
};

static const char *const kind_names[KIND__COUNT] = {
	[KIND_NONE] = "none",
	[KIND_memory] = "memory",
	[KIND_read] = "read",
	[KIND_write] = "write",
	[KIND_recv] = "recv",
	[KIND_peek] = "peek",
	[KIND_send] = "send",
	[KIND_connect] = "connect",
	[KIND_poll] = "poll",
	[KIND_epoll_wait] = "epoll_wait",
	[KIND_epoll_ctl] = "epoll_ctl",
	[KIND_epoll_create] = "epoll_create",
	[KIND_accept] = "accept",
	[KIND_fork] = "fork",
	[KIND_open] = "open",
	[KIND_socket] = "socket",
	[KIND_eventfd] = "eventfd",
	[KIND_signalfd] = "signalfd",
	[KIND_mmap] = "mmap",
	[KIND_ftruncate] = "ftruncate",
	[KIND_fcntl] = "fcntl",
	[KIND_setsockopt] = "setsockopt",
	[KIND_getsockname] = "getsockname",
	[KIND_waitpid] = "waitpid",
	[KIND_exec] = "exec",
	[KIND_getrandom] = "getrandom",
	[KIND_getaddrinfo] = "getaddrinfo",
	[KIND_stdio] = "stdio",
	[KIND_stat] = "stat",
};

/* failures.py declares the same as a ctypes.Structure. */
struct fail {
	atomic_int kind;
	int code; /* an errno, or SHORT */
	int64_t nth;
	_Atomic int64_t calls[KINDS_MAX]; /* of each kind, since the fault was armed */
	atomic_int pid;                   /* of the process in which it failed; 0: not yet */
	int fd;                           /* the call's argument, or -1 */
	char where[WHERE_BYTES];
};

_Static_assert(KIND__COUNT <= KINDS_MAX, "a counter for each kind");

int fail_kind(const char *name);

static struct fail *fail;
static __thread bool inside;

/* For failures.py. Returns 0 if the name is unknown. */
int
fail_kind(const char *name)
{
	for (int kind = KIND__COUNT - 1; kind > 0; kind--)
		if (strcmp(kind_names[kind], name) == 0)
			return kind;
	return 0;
}

/* Writes each caller's object file and its offset in that file, which addr2line translates to
 * source lines. */
static void
write_callers(char *where)
{
	void *frames[FRAMES_MAX];
	int count = backtrace(frames, FRAMES_MAX);
	size_t used = 0;
	Dl_info info;

	for (int i = 2; i < count && used < WHERE_BYTES - 1; i++) {
		int more;

		if (!dladdr(frames[i], &info) || !info.dli_fname)
			continue;
		more = snprintf(where + used, WHERE_BYTES - used, "%s+%#lx(%s)\n", info.dli_fname,
		                (unsigned long)((char *)frames[i] - (char *)info.dli_fbase),
		                info.dli_sname ? info.dli_sname : "");
		used += more > 0 ? (size_t)more : 0;
	}
}

/* Counts the call. Returns 0, or the fault's code if this call has to fail: SHORT, or an errno,
 * which is set. */
static int
must_fail(enum kind kind, int fd)
{
	int64_t call;

	if (!fail || inside)
		return 0;
	call = atomic_fetch_add(&fail->calls[kind], 1) + 1;
	if (atomic_load(&fail->kind) != (int)kind || call != fail->nth)
		return 0;
	inside = true;
	write_callers(fail->where);
	inside = false;
	fail->fd = fd;
	atomic_store(&fail->pid, getpid());
	errno = fail->code;
	return fail->code;
}

__attribute__((constructor)) static void
map_fail_file(void)
{
	const char *path = getenv("FAIL_FILE"), *program = getenv("FAIL_PROGRAM");
	void *frames[1], *at;
	int fd;

	if (!path || !program || strcmp(program_invocation_short_name, program) != 0)
		return;
	inside = true;
	(void)backtrace(frames, 1); /* loads the library that it needs */
	fd = open(path, O_RDWR | O_CLOEXEC);
	at = fd < 0 ? MAP_FAILED
	            : mmap(NULL, sizeof(*fail), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		abort();
	(void)close(fd);
	inside = false;
	fail = at;
}

/* --- memory: by libc's internal names, because dlsym() allocates --- */

#ifndef WITHOUT_MEMORY

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *
malloc(size_t size)
{
	return must_fail(KIND_memory, -1) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return must_fail(KIND_memory, -1) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *block, size_t size)
{
	return must_fail(KIND_memory, -1) ? NULL : __libc_realloc(block, size);
}

void *
reallocarray(void *block, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(block, bytes);
}

int
posix_memalign(void **block, size_t alignment, size_t size)
{
	void *block_made = must_fail(KIND_memory, -1) ? NULL : __libc_memalign(alignment, size);

	if (block_made)
		*block = block_made;
	return block_made ? 0 : ENOMEM;
}

#endif

/* --- other calls --- */

/* Finds the real function, once. */
#define REAL(name)                                                 \
	static __typeof__(&(name)) real;                           \
	if (!real) {                                               \
		inside = true;                                     \
		*(void **)(void *)&real = dlsym(RTLD_NEXT, #name); \
		inside = false;                                    \
	}

/* A call that returns `otherwise` and sets errno. */
#define FAILS(kind, type, otherwise, fd, name, parameters, arguments) \
	type name parameters                                          \
	{                                                             \
		REAL(name)                                            \
		if (must_fail(KIND_##kind, fd) > 0)                   \
			return otherwise;                             \
		return real arguments;                                \
	}

/* Sockets, pipes and files may transfer fewer bytes than requested; an eventfd does not. */
static size_t
shortened(int fd, size_t size)
{
	struct stat status;

	if (fstat(fd, &status) != 0
	    || !(S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode) || S_ISREG(status.st_mode)))
		return size;
	return size > 1 ? 1 : size;
}

#define MOVES(kind, name, parameters, arguments)    \
	ssize_t name parameters                     \
	{                                           \
		REAL(name)                          \
		switch (must_fail(kind, fd)) {      \
		case SHORT:                         \
			size = shortened(fd, size); \
			break;                      \
		case 0:                             \
			break;                      \
		default:                            \
			return -1;                  \
		}                                   \
		return real arguments;              \
	}

MOVES(KIND_read, read, (int fd, void *bytes, size_t size), (fd, bytes, size))
MOVES(KIND_write, write, (int fd, const void *bytes, size_t size), (fd, bytes, size))
#define RECV_KIND (flags & MSG_PEEK ? KIND_peek : KIND_recv)
MOVES(RECV_KIND, recv, (int fd, void *bytes, size_t size, int flags), (fd, bytes, size, flags))
MOVES(KIND_send, send, (int fd, const void *bytes, size_t size, int flags),
      (fd, bytes, size, flags))
MOVES(KIND_recv, recvfrom,
      (int fd, void *bytes, size_t size, int flags, __SOCKADDR_ARG from, socklen_t *length),
      (fd, bytes, size, flags, from, length))
MOVES(KIND_send, sendto,
      (int fd, const void *bytes, size_t size, int flags, __CONST_SOCKADDR_ARG to,
       socklen_t length),
      (fd, bytes, size, flags, to, length))

FAILS(recv, ssize_t, -1, fd, recvmsg, (int fd, struct msghdr *message, int flags),
      (fd, message, flags))
FAILS(send, ssize_t, -1, fd, sendmsg, (int fd, const struct msghdr *message, int flags),
      (fd, message, flags))
FAILS(connect, int, -1, fd, connect, (int fd, __CONST_SOCKADDR_ARG to, socklen_t size),
      (fd, to, size))
FAILS(poll, int, -1, -1, poll, (struct pollfd * fds, nfds_t count, int timeout),
      (fds, count, timeout))
FAILS(poll, int, -1, -1, ppoll,
      (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
      (fds, count, timeout, mask))
FAILS(poll, int, -1, -1, select,
      (int count, fd_set *in, fd_set *out, fd_set *other, struct timeval *timeout),
      (count, in, out, other, timeout))
FAILS(epoll_wait, int, -1, fd, epoll_wait,
      (int fd, struct epoll_event *events, int most, int timeout), (fd, events, most, timeout))
FAILS(epoll_ctl, int, -1, fd, epoll_ctl, (int fd, int what, int other, struct epoll_event *event),
      (fd, what, other, event))
FAILS(epoll_create, int, -1, -1, epoll_create1, (int flags), (flags))
FAILS(accept, int, -1, fd, accept4, (int fd, __SOCKADDR_ARG from, socklen_t *size, int flags),
      (fd, from, size, flags))
FAILS(accept, int, -1, fd, accept, (int fd, __SOCKADDR_ARG from, socklen_t *size), (fd, from, size))
FAILS(fork, pid_t, -1, -1, fork, (void), ())
FAILS(open, FILE *, NULL, -1, fopen, (const char *path, const char *mode), (path, mode))
FAILS(open, FILE *, NULL, -1, fopen64, (const char *path, const char *mode), (path, mode))
FAILS(open, DIR *, NULL, -1, opendir, (const char *path), (path))
FAILS(socket, int, -1, -1, socket, (int domain, int type, int protocol), (domain, type, protocol))
FAILS(eventfd, int, -1, -1, eventfd, (unsigned int count, int flags), (count, flags))
FAILS(signalfd, int, -1, -1, signalfd, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))
FAILS(mmap, void *, MAP_FAILED, fd, mmap,
      (void *at, size_t size, int access, int flags, int fd, off_t offset),
      (at, size, access, flags, fd, offset))
FAILS(mmap, void *, MAP_FAILED, fd, mmap64,
      (void *at, size_t size, int access, int flags, int fd, off64_t offset),
      (at, size, access, flags, fd, offset))
FAILS(ftruncate, int, -1, fd, ftruncate, (int fd, off_t size), (fd, size))
FAILS(ftruncate, int, -1, fd, ftruncate64, (int fd, off64_t size), (fd, size))
FAILS(setsockopt, int, -1, fd, setsockopt,
      (int fd, int level, int name, const void *value, socklen_t size),
      (fd, level, name, value, size))
FAILS(getsockname, int, -1, fd, getsockname, (int fd, __SOCKADDR_ARG name, socklen_t *size),
      (fd, name, size))
FAILS(waitpid, pid_t, -1, -1, waitpid, (pid_t pid, int *status, int options),
      (pid, status, options))
FAILS(exec, int, -1, -1, execv, (const char *path, char *const arguments[]), (path, arguments))
FAILS(exec, int, -1, -1, execve, (const char *path, char *const arguments[], char *const names[]),
      (path, arguments, names))
FAILS(getrandom, ssize_t, -1, -1, getrandom, (void *bytes, size_t size, unsigned int flags),
      (bytes, size, flags))
FAILS(stdio, size_t, 0, -1, fwrite, (const void *bytes, size_t size, size_t count, FILE *to),
      (bytes, size, count, to))
FAILS(stdio, int, EOF, -1, fflush, (FILE * to), (to))
FAILS(stat, int, -1, fd, fstat, (int fd, struct stat *about), (fd, about))
FAILS(stat, int, -1, -1, stat, (const char *path, struct stat *about), (path, about))

int
getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
            struct addrinfo **list)
{
	REAL(getaddrinfo)
	return must_fail(KIND_getaddrinfo, -1) ? EAI_MEMORY : real(host, service, hints, list);
}

/* Only these flags have a mode as the last argument. */
static int
mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;
}

#define OPENS(function)                                                         \
	int function(const char *path, int flags, ...)                          \
	{                                                                       \
		va_list args;                                                   \
		int mode;                                                       \
                                                                                \
		REAL(function)                                                  \
		va_start(args, flags);                                          \
		mode = mode_of(flags, args);                                    \
		va_end(args);                                                   \
		return must_fail(KIND_open, -1) ? -1 : real(path, flags, mode); \
	}

OPENS(open)
OPENS(open64)

int
openat(int fd, const char *path, int flags, ...)
{
	va_list args;
	int mode;

	REAL(openat)
	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return must_fail(KIND_open, fd) ? -1 : real(fd, path, flags, mode);
}

int
fcntl(int fd, int command, ...)
{
	va_list args;
	void *argument;

	REAL(fcntl)
	va_start(args, command);
	argument = va_arg(args, void *);
	va_end(args);
	return must_fail(KIND_fcntl, fd) ? -1 : real(fd, command, argument);
}

int
fcntl64(int fd, int command, ...)
{
	va_list args;
	void *argument;

	REAL(fcntl64)
	va_start(args, command);
	argument = va_arg(args, void *);
	va_end(args);
	return must_fail(KIND_fcntl, fd) ? -1 : real(fd, command, argument);
}

int
execl(const char *path, const char *first, ...)
{
	char *arguments[16] = { NULL };
	va_list args;
	size_t count = 0;

	va_start(args, first);
	for (const char *next = first; next && count < 15; next = va_arg(args, const char *))
		memcpy(&arguments[count++], &next, sizeof(next));
	va_end(args);
	return execv(path, arguments);
}

/* _FORTIFY_SOURCE replaces some of these functions by the following. */
ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room);
ssize_t __recv_chk(int fd, void *bytes, size_t size, size_t room, int flags);
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room);

ssize_t
__read_chk(int fd, void *bytes, size_t size, size_t room)
{
	if (size > room)
		abort();
	return read(fd, bytes, size);
}

ssize_t
__recv_chk(int fd, void *bytes, size_t size, size_t room, int flags)
{
	if (size > room)
		abort();
	return recv(fd, bytes, size, flags);
}

int
__poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room)
{
	if (count > room / sizeof(*fds))
		abort();
	return poll(fds, count, timeout);
}
