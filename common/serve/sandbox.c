#include "serve/sandbox.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <seccomp.h>

#include "base/log.h"
#include "base/mem.h"
#include "serve/request_in_hand.h"
#include "serve/sandbox_rules.h"

/* Making it takes a millisecond. */
#define MAKE_MOST_S 5

static struct {
	enum sandbox_mode mode;
	struct sock_fprog program; /* .filter NULL: there is none */
	const struct slot *own_slot;
} state = { .mode = SANDBOX_OFF };

/* --- what cannot be sandboxed --- */

#ifdef __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif

/* Defined in programs that count which lines ran, by gcc and by clang. */
extern char __gcov_exit[] __attribute__((weak));
extern char llvm_gcov_init[] __attribute__((weak));
extern char __llvm_profile_runtime[] __attribute__((weak));
extern int __llvm_profile_is_continuous_mode_enabled(void) __attribute__((weak));

/* When it ends; counts that are mapped, as those of make coverage are, need no call. */
static bool
writes_counts(void)
{
	return __gcov_exit || llvm_gcov_init
	       || (__llvm_profile_runtime
	           && !(__llvm_profile_is_continuous_mode_enabled
	                && __llvm_profile_is_continuous_mode_enabled()));
}

/* A leak checker traces its own process from a new one, and counts of lines are written to files.
 * NULL: nothing is in the way. */
static const char *
obstacle(void)
{
	if (writes_counts())
		return "off, the program counts its lines";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return "off, the program has a sanitizer";
#else
	if (HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
	    || HAS_FEATURE(memory_sanitizer))
		return "off, the program has a sanitizer";
	/* Asked with no filter at all, a kernel that has them says that this is a bad address. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) != 0 && errno != EFAULT)
		return "off, the kernel has no seccomp filters";
	return NULL;
#endif
}

/* --- the filter, in the master --- */

static bool
write_program(int fd)
{
	scmp_filter_ctx filter = sandbox_rules(state.mode == SANDBOX_KILL);

	return filter && seccomp_export_bpf(filter, fd) == 0;
}

/* Twice the same, one after the other, is in the file. */
static bool
read_program(int fd)
{
	off_t size = lseek(fd, 0, SEEK_CUR);
	size_t steps = size > 0 ? (size_t)size / sizeof(struct sock_filter) / 2 : 0;
	struct sock_filter *filter;

	if (steps == 0 || steps > BPF_MAXINSNS || (size_t)size != 2 * steps * sizeof(*filter))
		return false;
	filter = mem_array(mem_process(), struct sock_filter, 2 * steps);
	if (pread(fd, filter, (size_t)size, 0) != size
	    || memcmp(filter, filter + steps, steps * sizeof(*filter)) != 0)
		return false;
	state.program.len = (unsigned short)steps;
	state.program.filter = filter;
	return true;
}

/* Without memory libseccomp may spoil the heap, or say that all is well and write a filter that
 * refuses every call: so it works in a process of its own, and what it makes is believed when it
 * makes it twice. Through a file: from memory is libseccomp 2.6. */
static bool
make_program(void)
{
	int fd = memfd_create("sandbox", MFD_CLOEXEC);
	pid_t pid = fd >= 0 ? fork() : -1;
	int status = -1;
	bool made;

	if (pid == 0) {
		bool written;

		(void)alarm(MAKE_MOST_S);
		written = write_program(fd);
		_exit(written && write_program(fd) ? 0 : 1);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	made = status == 0 && read_program(fd);
	if (fd >= 0)
		(void)close(fd);
	return made;
}

/* libpq looks for certificates there. Without HOME it would ask glibc, which may load a module
 * for that; a worker cannot. */
static void
find_home(void)
{
	const char *home = getenv("HOME");
	const struct passwd *user = home && *home ? NULL : getpwuid(geteuid());

	if (user)
		(void)setenv("HOME", user->pw_dir, 1);
}

const char *
sandbox_prepare(enum sandbox_mode mode)
{
	const char *why = mode == SANDBOX_OFF ? sandbox_names[SANDBOX_OFF] : obstacle();

	state.mode = mode;
	if (!why && !make_program())
		why = "off, the filter could not be made";
	if (!why) {
		find_home();
		return sandbox_names[mode];
	}
	if (mode != SANDBOX_OFF)
		log_printf(LOG_WARNING, "workers without a sandbox", "%s", why);
	return why;
}

/* --- the worker --- */

/* NOLINTBEGIN(bugprone-signal-handler,cert-sig30-c): as in backtrace.c, nothing of this is safe in
 * a signal handler. What is interrupted is a call that no part of libc makes with a lock in hand;
 * should it hang, the watchdog follows. */
static void
log_refusal(int number)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
	struct log_line line;

	log_begin(&line, LOG_ERROR, "system call refused");
	log_string(&line, "system_call", name);
	log_int(&line, "number", number);
	log_string(&line, "sandbox", sandbox_names[state.mode]);
	request_in_hand_log(&line, state.own_slot);
	log_end(&line);
	free(name);
}

/* The call that was refused returns this. False: this machine's registers are not known here. */
static bool
set_result(void *context, long result)
{
#if defined(__x86_64__)
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = result;
	return true;
#elif defined(__aarch64__)
	((ucontext_t *)context)->uc_mcontext.regs[0] = (unsigned long long)result;
	return true;
#else
	(void)context;
	(void)result;
	return false;
#endif
}

/* The kernel sends it instead of making the call. SIGSYS is blocked in here: another such call ends
 * the process with it. */
static void
refuse(int signal_number, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)signal_number;
	log_refusal(info->si_syscall);
	if (state.mode == SANDBOX_KILL || !set_result(context, -EPERM))
		(void)syscall(SYS_execve, NULL, NULL, NULL);
	errno = saved;
}
/* NOLINTEND(bugprone-signal-handler,cert-sig30-c) */

/* abort() sends a signal to its own process: the one number in the filter that each worker has its
 * own of. */
static void
fill_in_pid(void)
{
	for (size_t i = 0; i < state.program.len; i++) {
		struct sock_filter *step = &state.program.filter[i];

		if (step->code == (BPF_JMP | BPF_JEQ | BPF_K) && step->k == SANDBOX_OWN_PID)
			step->k = (unsigned)getpid();
	}
}

/* Kernels before 5.16 would slow all of a process with a filter down against what it could learn of
 * itself by speculation (SPEC_ALLOW is: not); here no foreign code runs. A filter around us may
 * know prctl() only. */
static bool
load(void)
{
	const unsigned flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return false;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &state.program) == 0
	       || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &state.program) == 0;
}

void
sandbox_enter(const struct slot *slot)
{
	struct sigaction action = { .sa_sigaction = refuse, .sa_flags = SA_SIGINFO };

	if (!state.program.filter)
		return;
	state.own_slot = slot;
	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGSYS, &action, NULL);
	fill_in_pid();
	if (!load())
		log_printf(LOG_WARNING, "worker without a sandbox", "%s", strerror(errno));
}
