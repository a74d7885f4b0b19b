#include "serve/sandbox_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/text.h"

/* What is on no machine of this kind has a negative number, and is left out. */
static const int allowed[] = {
	/* what is open: sockets, the log, events */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(dup), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
	/* sockets; no listen(). After a connection that was no request libfcgi calls accept() for
	   no listener */
	SCMP_SYS(accept4), SCMP_SYS(accept), SCMP_SYS(connect), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg),
	SCMP_SYS(shutdown), SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	/* files, to look at: certificates, resolv.conf, hosts, the scoreboards that np_metrics()
	   reads */
	SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd),
	/* a CA of a bundle, and OpenSSL's configuration, as files without a name (db/tls.c) */
	SCMP_SYS(memfd_create),
	/* memory; mmap() and mprotect() are below */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* time, chance, who am I */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
	SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(getrusage), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield),
	/* threads, which a handler's own library may have */
	SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(exit),
	SCMP_SYS(exit_group), SCMP_SYS(restart_syscall),
	/* signals: libpq keeps SIGPIPE back */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sigaltstack),
	/* what a handler's own library may want, and that reaches nobody else */
	SCMP_SYS(eventfd2), SCMP_SYS(pipe2), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime),
	SCMP_SYS(timerfd_gettime)
};

/* Logged where it fails with EPERM. Not fork(): whoever starts a program blocks signals meanwhile.
 */
static const int alarming[] = {
	/* programs, and other processes */
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(pidfd_send_signal),
	/* a service of its own */
	SCMP_SYS(listen),
	/* files */
	SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(symlink),
	SCMP_SYS(symlinkat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(creat),
	SCMP_SYS(truncate), SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(fchmodat), SCMP_SYS(chown),
	SCMP_SYS(fchown), SCMP_SYS(lchown), SCMP_SYS(fchownat), SCMP_SYS(open_by_handle_at),
	/* who it is, and what it sees */
	SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid),
	SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(capset),
	SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(chroot), SCMP_SYS(pivot_root), SCMP_SYS(mount),
	SCMP_SYS(umount2), SCMP_SYS(fsopen), SCMP_SYS(open_tree), SCMP_SYS(move_mount),
	/* the kernel */
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup),
	SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl), SCMP_SYS(init_module),
	SCMP_SYS(finit_module), SCMP_SYS(kexec_load), SCMP_SYS(reboot)
};

#define CREATES (O_CREAT | O_TRUNC)
#define WRITES  (O_WRONLY | O_RDWR)
#define KIND    0xf /* of a socket, without SOCK_CLOEXEC and SOCK_NONBLOCK */
/* What pthread_create() asks for, and nothing else: no namespace, no process. */
#define THREAD                                                                            \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD \
	 | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
/* O_ASYNC sends signals; O_APPEND and O_DIRECT are about files. */
#define DESCRIPTION_FLAGS (O_ACCMODE | O_NONBLOCK)

/* The nth argument, an int, of which the kernel looks at 32 bits; of a mask, its bits. */
#define IS(n, value)                                                 \
	{                                                            \
		n, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)(value) \
	}
#define HAS(n, mask, bits)                        \
	{                                         \
		n, SCMP_CMP_MASKED_EQ, mask, bits \
	}
#define HAS_ONLY(n, bits)                                                \
	{                                                                \
		n, SCMP_CMP_MASKED_EQ, UINT32_MAX & ~(uint32_t)(bits), 0 \
	}
#define IS_NOT(n, value)                 \
	{                                \
		n, SCMP_CMP_NE, value, 0 \
	}
#define IS_NULL(n)                   \
	{                            \
		n, SCMP_CMP_EQ, 0, 0 \
	}

/* Allowed with such arguments only. Rows of one call are alternatives. */
static const struct rule {
	int call;
	unsigned count;
	struct scmp_arg_cmp arguments[3];
} with_arguments[] = {
	{ SCMP_SYS(openat), 1, { HAS(2, CREATES | WRITES, O_RDONLY) } },
	{ SCMP_SYS(open), 1, { HAS(1, CREATES | WRITES, O_RDONLY) } },
	/* Nothing that was written is ever executed, and no module is loaded any more. */
	{ SCMP_SYS(mmap), 1, { HAS(2, PROT_EXEC, 0) } },
	{ SCMP_SYS(mprotect), 1, { HAS(2, PROT_EXEC, 0) } },
	/* Postgres, Redis, name servers. A datagram could go to any unix socket, as systemd's
	 * and syslog's. */
	{ SCMP_SYS(socket), 3, { IS(0, AF_UNIX), HAS(1, KIND, SOCK_STREAM), IS(2, 0) } },
	{ SCMP_SYS(socket), 3, { IS(0, AF_INET), HAS(1, KIND, SOCK_STREAM), IS(2, 0) } },
	{ SCMP_SYS(socket), 3, { IS(0, AF_INET), HAS(1, KIND, SOCK_STREAM), IS(2, IPPROTO_TCP) } },
	{ SCMP_SYS(socket), 3, { IS(0, AF_INET), HAS(1, KIND, SOCK_DGRAM), IS(2, 0) } },
	{ SCMP_SYS(socket), 3, { IS(0, AF_INET), HAS(1, KIND, SOCK_DGRAM), IS(2, IPPROTO_UDP) } },
	{ SCMP_SYS(socket), 3, { IS(0, AF_INET6), HAS(1, KIND, SOCK_STREAM), IS(2, 0) } },
	{ SCMP_SYS(socket), 3, { IS(0, AF_INET6), HAS(1, KIND, SOCK_STREAM), IS(2, IPPROTO_TCP) } },
	{ SCMP_SYS(socket), 3, { IS(0, AF_INET6), HAS(1, KIND, SOCK_DGRAM), IS(2, 0) } },
	{ SCMP_SYS(socket), 3, { IS(0, AF_INET6), HAS(1, KIND, SOCK_DGRAM), IS(2, IPPROTO_UDP) } },
	{ SCMP_SYS(socketpair), 3, { IS(0, AF_UNIX), HAS(1, KIND, SOCK_STREAM), IS(2, 0) } },
	/* No owner, signal, lease, lock, seal or size: those reach other processes, or what they
	 * share. */
	{ SCMP_SYS(fcntl), 1, { IS(1, F_GETFD) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_SETFD) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_GETFL) } },
	{ SCMP_SYS(fcntl), 2, { IS(1, F_SETFL), HAS_ONLY(2, DESCRIPTION_FLAGS) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_DUPFD_CLOEXEC) } },
	/* Time and size limits, liveness. No filter, device, IP option or protocol of the
	 * kernel's own (TCP_ULP). */
	{ SCMP_SYS(setsockopt), 2, { IS(1, SOL_SOCKET), IS(2, SO_RCVTIMEO) } },
	{ SCMP_SYS(setsockopt), 2, { IS(1, SOL_SOCKET), IS(2, SO_SNDTIMEO) } },
	{ SCMP_SYS(setsockopt), 2, { IS(1, SOL_SOCKET), IS(2, SO_RCVBUF) } },
	{ SCMP_SYS(setsockopt), 2, { IS(1, SOL_SOCKET), IS(2, SO_SNDBUF) } },
	{ SCMP_SYS(setsockopt), 2, { IS(1, SOL_SOCKET), IS(2, SO_KEEPALIVE) } },
	{ SCMP_SYS(setsockopt), 2, { IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY) } },
	{ SCMP_SYS(setsockopt), 2, { IS(1, IPPROTO_TCP), IS(2, TCP_KEEPIDLE) } },
	{ SCMP_SYS(setsockopt), 2, { IS(1, IPPROTO_TCP), IS(2, TCP_KEEPINTVL) } },
	{ SCMP_SYS(setsockopt), 2, { IS(1, IPPROTO_TCP), IS(2, TCP_KEEPCNT) } },
	{ SCMP_SYS(setsockopt), 2, { IS(1, IPPROTO_TCP), IS(2, TCP_USER_TIMEOUT) } },
	{ SCMP_SYS(setsockopt), 2, { IS(1, IPPROTO_TCP), IS(2, TCP_FASTOPEN_CONNECT) } },
	{ SCMP_SYS(clone), 1, { IS(0, THREAD) } },
	/* Whether a master lives (scoreboard.h), and abort(). */
	{ SCMP_SYS(kill), 1, { IS(1, 0) } },
	{ SCMP_SYS(tgkill), 1, { IS(0, SANDBOX_OWN_PID) } },
	/* To ask, not to set. */
	{ SCMP_SYS(prlimit64), 1, { IS_NULL(2) } },
	{ SCMP_SYS(prctl), 1, { IS(0, PR_SET_NAME) } },
	{ SCMP_SYS(ioctl), 1, { IS(1, FIONREAD) } },
	{ SCMP_SYS(ioctl), 1, { IS(1, FIONBIO) } },
	{ SCMP_SYS(ioctl), 1, { IS(1, TCGETS) } },
};

/* Beside the above, for errno: what would be allowed but for its arguments. */
static const struct rule alarming_arguments[] = {
	{ SCMP_SYS(openat), 1, { HAS(2, O_ACCMODE, O_WRONLY) } },
	{ SCMP_SYS(openat), 1, { HAS(2, O_ACCMODE, O_RDWR) } },
	{ SCMP_SYS(open), 1, { HAS(1, O_ACCMODE, O_WRONLY) } },
	{ SCMP_SYS(open), 1, { HAS(1, O_ACCMODE, O_RDWR) } },
	{ SCMP_SYS(socket), 1, { IS(0, AF_PACKET) } },
	{ SCMP_SYS(socket), 1, { IS(0, AF_VSOCK) } },
	{ SCMP_SYS(socket), 1, { IS(0, AF_ALG) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_SETOWN) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_SETOWN_EX) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_SETSIG) } },
	{ SCMP_SYS(fcntl), 2, { IS(1, F_SETFL), HAS(2, O_ASYNC, O_ASYNC) } },
	{ SCMP_SYS(ioctl), 1, { IS(1, FIOASYNC) } },
	{ SCMP_SYS(setsockopt), 2, { IS(1, SOL_SOCKET), IS(2, SO_ATTACH_FILTER) } },
	{ SCMP_SYS(setsockopt), 2, { IS(1, SOL_SOCKET), IS(2, SO_ATTACH_BPF) } },
	{ SCMP_SYS(kill), 1, { IS_NOT(1, 0) } },
};

static bool
add(scmp_filter_ctx filter, uint32_t action, int call, unsigned count,
    const struct scmp_arg_cmp *arguments)
{
	/* A negative number: not on this machine. */
	return call < 0 || seccomp_rule_add_array(filter, action, call, count, arguments) == 0;
}

static bool
add_calls(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	bool added = true;

	for (size_t i = 0; i < count; i++)
		added = added && add(filter, action, calls[i], 0, NULL);
	return added;
}

static bool
add_rules(scmp_filter_ctx filter, uint32_t action, const struct rule *rules, size_t count)
{
	bool added = true;

	for (size_t i = 0; i < count; i++)
		added = added
		        && add(filter, action, rules[i].call, rules[i].count, rules[i].arguments);
	return added;
}

static bool
add_allowed(scmp_filter_ctx filter)
{
	return add_calls(filter, SCMP_ACT_ALLOW, allowed, COUNT_OF(allowed))
	       && add_rules(filter, SCMP_ACT_ALLOW, with_arguments, COUNT_OF(with_arguments));
}

static bool
add_alarming(scmp_filter_ctx filter)
{
	return add_calls(filter, SCMP_ACT_TRAP, alarming, COUNT_OF(alarming))
	       && add_rules(filter, SCMP_ACT_TRAP, alarming_arguments,
	                    COUNT_OF(alarming_arguments));
}

scmp_filter_ctx
sandbox_rules(bool kill)
{
	scmp_filter_ctx filter = seccomp_init(kill ? SCMP_ACT_TRAP : SCMP_ACT_ERRNO(EPERM));

	/* A tree, not a list: a kernel since 5.11 knows by itself which calls always pass, those
	 * below pass by the way. */
	if (filter && seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0
	    && add_allowed(filter)
	    /* Its arguments are in memory, where a filter cannot look; without it clone() is
	       called. */
	    && add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL)
	    && (kill || add_alarming(filter)))
		return filter;
	if (filter)
		seccomp_release(filter);
	return NULL;
}
