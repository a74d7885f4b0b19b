/* culprit - makes system calls that no worker needs: GET /culprit/execve?path=…
 *
 * Each attempt is the bare system call, so that the sandbox refuses that call and not another one
 * that libc makes around it.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nullpool.h"

static long
start_program(const char *path)
{
	char *const arguments[] = { strdup(path), NULL };

	return syscall(SYS_execve, path, arguments, environ);
}

/* As system() and popen() do it. posix_spawn() returns the error. */
static long
spawn_program(const char *path)
{
	char *const arguments[] = { strdup(path), NULL };
	pid_t pid;

	errno = posix_spawn(&pid, path, NULL, NULL, arguments, environ);
	return errno == 0 ? 0 : -1;
}

static long
fork_process(const char *path)
{
	pid_t pid = fork();

	(void)path;
	if (pid == 0)
		_exit(0);
	return pid;
}

static long
open_packets(const char *path)
{
	(void)path;
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static long
open_raw(const char *path)
{
	(void)path;
	return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static long
bind_port(const char *path)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)path;
	return bind(fd, (struct sockaddr *)&address, sizeof(address));
}

static long
listen_on(const char *path)
{
	(void)path;
	return listen(socket(AF_INET, SOCK_STREAM, 0), 1);
}

static long
trace_master(const char *path)
{
	(void)path;
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long
write_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long
truncate_file(const char *path)
{
	return open(path, O_RDONLY | O_TRUNC | O_CLOEXEC);
}

static long
read_file(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC);
}

static long
remove_file(const char *path)
{
	return unlink(path);
}

static long
make_executable(const char *path)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)path;
	return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long
map_executable(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0;
}

static long
signal_master(const char *path)
{
	(void)path;
	return kill(getppid(), SIGWINCH);
}

static long
set_user(const char *path)
{
	(void)path;
	return syscall(SYS_setuid, getuid());
}

static long
mount_over(const char *path)
{
	return syscall(SYS_mount, "none", path, "tmpfs", 0, NULL);
}

static long
set_up_io_uring(const char *path)
{
	(void)path;
	return syscall(SYS_io_uring_setup, 1, NULL);
}

static long
load_bpf(const char *path)
{
	(void)path;
	return syscall(SYS_bpf, 0, NULL, 0);
}

static long
ask_keyring(const char *path)
{
	(void)path;
	return syscall(SYS_keyctl, 0, 0, 0, 0, 0);
}

static long
leave_namespace(const char *path)
{
	(void)path;
	return syscall(SYS_unshare, 0);
}

/* "72 -1 8 1": the number of a system call on this machine, and its arguments. */
static long
call_number(const char *text)
{
	long words[7] = { 0 };
	char *end;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++, text = end)
		words[i] = strtol(text, &end, 0);
	return syscall(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
}

#ifdef __x86_64__
/* getpid(), as a 32-bit program calls it. */
static long
call_as_32_bits(const char *path)
{
	long result;

	(void)path;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
	return result;
}
#endif

static long
abort_process(const char *path)
{
	(void)path;
	abort();
}

static const struct {
	const char *name;
	long (*attempt)(const char *path);
} attempts[] = {
	{ "execve", start_program },
	{ "spawn", spawn_program },
	{ "fork", fork_process },
	{ "packets", open_packets },
	{ "raw", open_raw },
	{ "bind", bind_port },
	{ "listen", listen_on },
	{ "ptrace", trace_master },
	{ "write", write_file },
	{ "truncate", truncate_file },
	{ "read", read_file },
	{ "unlink", remove_file },
	{ "mprotect", make_executable },
	{ "mmap", map_executable },
	{ "kill", signal_master },
	{ "setuid", set_user },
	{ "mount", mount_over },
	{ "io_uring", set_up_io_uring },
	{ "bpf", load_bpf },
	{ "keyctl", ask_keyring },
	{ "unshare", leave_namespace },
	{ "call", call_number },
#ifdef __x86_64__
	{ "32-bits", call_as_32_bits },
#endif
	{ "abort", abort_process },
};

static const struct np_param what = { .name = "what", .in = NP_IN_PATH, .type = NP_TYPE_STRING };
static const struct np_param path_of = {
	.name = "path", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .default_value = "/bin/true"
};

static bool
make_attempt(struct np_ctx *ctx)
{
	const char *asked = np_arg(ctx, &what).text, *of = np_arg(ctx, &path_of).text;

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		long result;

		if (strcmp(attempts[i].name, asked) != 0)
			continue;
		errno = 0;
		result = attempts[i].attempt(of);
		result = result < 0 ? errno : 0;
		return np_reply_object(
		    ctx, NP_STATUS_OK,
		    NP_OBJECT({ "worker", np_int(getpid()) }, { "error", np_int(result) }));
	}
	return np_fail(ctx, NP_ERROR_NOT_FOUND, "No such attempt");
}

static const struct np_route routes[] = {
	{ .method = "GET",
	  .path = "/culprit/{what}",
	  .handle = make_attempt,
	  .tx = NP_TX_NONE,
	  .params = NP_PARAMS(&what, &path_of) },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "culprit", routes);
}
