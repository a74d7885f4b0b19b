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

/* A call that this kind of machine does not have is a negative number, and is left out. */
static const int allowed[] = {
	/* what is open: sockets, the log, events */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(dup), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
	/* sockets, without listen(). After a connection without a request libfcgi calls accept() on
	   no listener */
	SCMP_SYS(accept4), SCMP_SYS(accept), SCMP_SYS(connect), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg),
	SCMP_SYS(shutdown), SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	/* reading files: certificates, resolv.conf, hosts, the scoreboards of np_metrics() */
	SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd),
	/* files without a name: a CA of a bundle, and OpenSSL's configuration (db/tls.c) */
	SCMP_SYS(memfd_create),
	/* memory; mmap() and mprotect() are below */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* time, random numbers, own identity */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
	SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(getrusage), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield),
	/* threads, which a handler's own library may have */
	SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(exit),
	SCMP_SYS(exit_group), SCMP_SYS(restart_syscall),
	/* signals: libpq blocks SIGPIPE */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sigaltstack),
	/* what a handler's own library may need, and what reaches no other process */
	SCMP_SYS(eventfd2), SCMP_SYS(pipe2), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime),
	SCMP_SYS(timerfd_gettime)
};

/* Logged if they fail with EPERM. Not fork(): who starts a program blocks signals meanwhile. */
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
	/* its user, and what it sees */
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
#define KIND    0xf /* a socket's type without SOCK_CLOEXEC and SOCK_NONBLOCK */
/* The flags of pthread_create(), and no others: no namespace, no process. */
#define THREAD                                                                            \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD \
	 | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
/* Not O_ASYNC, which sends signals. O_APPEND and O_DIRECT are about files. */
#define DESCRIPTION_FLAGS (O_ACCMODE | O_NONBLOCK)

/* Conditions on the nth argument. It is an int: the kernel looks at 32 bits. */
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

/* Allowed with these arguments only. Rows of one call are alternatives. */
static const struct rule {
	int call;
	unsigned count;
	struct scmp_arg_cmp arguments[3];
} with_arguments[] = {
	{ SCMP_SYS(openat), 1, { HAS(2, CREATES | WRITES, O_RDONLY) } },
	{ SCMP_SYS(open), 1, { HAS(1, CREATES | WRITES, O_RDONLY) } },
	/* Memory that was written is never executed, and no module is loaded. */
	{ SCMP_SYS(mmap), 1, { HAS(2, PROT_EXEC, 0) } },
	{ SCMP_SYS(mprotect), 1, { HAS(2, PROT_EXEC, 0) } },
	/* Postgres, Redis, name servers. No datagrams to unix sockets: they could go to any, such
	 * as systemd's and syslog's. */
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
	/* No owner, signal, lease, lock, seal or size: those reach other processes, or what is
	 * shared with them. */
	{ SCMP_SYS(fcntl), 1, { IS(1, F_GETFD) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_SETFD) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_GETFL) } },
	{ SCMP_SYS(fcntl), 2, { IS(1, F_SETFL), HAS_ONLY(2, DESCRIPTION_FLAGS) } },
	{ SCMP_SYS(fcntl), 1, { IS(1, F_DUPFD_CLOEXEC) } },
	/* Timeouts, buffer sizes, keepalives. No filter, device, IP option or kernel protocol
	 * (TCP_ULP). */
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
	/* To see whether a master is alive (boards.h), and for abort(). */
	{ SCMP_SYS(kill), 1, { IS(1, 0) } },
	{ SCMP_SYS(tgkill), 1, { IS(0, SANDBOX_OWN_PID) } },
	/* To read a limit, not to set one. */
	{ SCMP_SYS(prlimit64), 1, { IS_NULL(2) } },
	{ SCMP_SYS(prctl), 1, { IS(0, PR_SET_NAME) } },
	{ SCMP_SYS(ioctl), 1, { IS(1, FIONREAD) } },
	{ SCMP_SYS(ioctl), 1, { IS(1, FIONBIO) } },
	{ SCMP_SYS(ioctl), 1, { IS(1, TCGETS) } },
};

/* Logged in mode errno too: calls that are on the list, with other arguments. */
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
add_rule(scmp_filter_ctx filter, uint32_t action, int call, unsigned count,
         const struct scmp_arg_cmp *arguments)
{
	/* A negative number: this machine does not have the call. */
	return call < 0 || seccomp_rule_add_array(filter, action, call, count, arguments) == 0;
}

static bool
add_calls(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	bool added = true;

	for (size_t i = 0; i < count; i++)
		added = added && add_rule(filter, action, calls[i], 0, NULL);
	return added;
}

static bool
add_rules(scmp_filter_ctx filter, uint32_t action, const struct rule *rules, size_t count)
{
	bool added = true;

	for (size_t i = 0; i < count; i++)
		added = added
		        && add_rule(filter, action, rules[i].call, rules[i].count,
		                    rules[i].arguments);
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

	/* A binary tree, not a list. Since 5.11 a kernel knows by itself which calls always pass;
	 * the tree is for the others. */
	if (filter && seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0
	    && add_allowed(filter)
	    /* The arguments of clone3() are in memory, where a filter cannot look. On ENOSYS glibc
	       calls clone(). */
	    && add_rule(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL)
	    && (kill || add_alarming(filter)))
		return filter;
	if (filter)
		seccomp_release(filter);
	return NULL;
}
