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

/* Making the filter takes a millisecond. */
#define MAKE_MAX_S 5

static struct {
	enum sandbox_mode mode;
	struct sock_fprog program; /* .filter is NULL if there is none */
	const struct slot *own_slot;
} state = { .mode = SANDBOX_OFF };

/* --- programs that cannot be sandboxed --- */

#ifdef __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif

/* Defined in programs that gcc or clang made count which lines ran. */
extern char __gcov_exit[] __attribute__((weak));
extern char llvm_gcov_init[] __attribute__((weak));
extern char __llvm_profile_runtime[] __attribute__((weak));
extern int __llvm_profile_is_continuous_mode_enabled(void) __attribute__((weak));

/* Returns true if the program writes its counts when it ends. Counts that are mapped, as those of
 * make coverage are, need no call. */
static bool
writes_coverage(void)
{
	return __gcov_exit || llvm_gcov_init
	       || (__llvm_profile_runtime
	           && !(__llvm_profile_is_continuous_mode_enabled
	                && __llvm_profile_is_continuous_mode_enabled()));
}

/* A leak checker traces its own process from a new one, and coverage is written to files. Returns
 * NULL if nothing is in the way. */
static const char *
find_obstacle(void)
{
	if (writes_coverage())
		return "off, the program counts its lines";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return "off, the program has a sanitizer";
#else
	if (HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
	    || HAS_FEATURE(memory_sanitizer))
		return "off, the program has a sanitizer";
	/* Without a filter the answer of a kernel that has them is "bad address". */
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

/* The file has the same program twice, one after the other. */
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

/* Without memory libseccomp may spoil the heap, or report success and write a filter that refuses
 * every call. So it works in a process of its own, and its filter is believed if it makes the same
 * one twice. It writes to a file: export to memory came with libseccomp 2.6. */
static bool
make_program(void)
{
	int fd = memfd_create("sandbox", MFD_CLOEXEC);
	pid_t pid = fd >= 0 ? fork() : -1;
	int status = -1;
	bool made;

	if (pid == 0) {
		bool written;

		(void)alarm(MAKE_MAX_S);
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

/* libpq looks for certificates there. Without HOME it would ask glibc, which may have to load a
 * module for that, and a worker cannot. */
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
	const char *why = mode == SANDBOX_OFF ? sandbox_names[SANDBOX_OFF] : find_obstacle();

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

/* NOLINTBEGIN(bugprone-signal-handler,cert-sig30-c): libseccomp's part of this is not safe in a
 * signal handler. The interrupted call is one that no part of libc makes with a lock in hand. If it
 * hangs all the same, the master ends the worker. */
static void
log_refusal(int number)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
	struct log_line line;

	log_begin(&line, LOG_ERROR, "system call refused");
	log_string(&line, "system_call", name);
	log_int(&line, "number", number);
	log_string(&line, "sandbox", sandbox_names[state.mode]);
	if (state.own_slot)
		request_in_hand_log(&line, state.own_slot);
	log_end(&line);
	free(name);
}

/* Makes the refused call return `result`. Returns false on a machine whose registers are not known
 * here. */
static bool
set_call_result(void *context, long result)
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

/* The kernel sends SIGSYS instead of making the call. SIGSYS is blocked in here: another refused
 * call ends the process, with that signal. */
static void
on_refused_call(int signal_number, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)signal_number;
	log_refusal(info->si_syscall);
	if (state.mode == SANDBOX_KILL || !set_call_result(context, -EPERM))
		(void)syscall(SYS_execve, NULL, NULL, NULL);
	errno = saved;
}
/* NOLINTEND(bugprone-signal-handler,cert-sig30-c) */

/* abort() sends a signal to its own process. Its pid is the one number in the filter that differs
 * between workers. */
static void
set_own_pid(void)
{
	for (size_t i = 0; i < state.program.len; i++) {
		struct sock_filter *step = &state.program.filter[i];

		if (step->code == (BPF_JMP | BPF_JEQ | BPF_K) && step->k == SANDBOX_OWN_PID)
			step->k = (unsigned)getpid();
	}
}

/* Kernels before 5.16 slow a process with a filter down, so that code in it cannot learn its other
 * parts' data by speculation. SPEC_ALLOW turns that off: no foreign code runs here. A filter that
 * is already around this process may only know prctl(). */
static bool
load_filter(void)
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
	struct sigaction action = { .sa_sigaction = on_refused_call, .sa_flags = SA_SIGINFO };

	if (!state.program.filter)
		return;
	state.own_slot = slot;
	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGSYS, &action, NULL);
	set_own_pid();
	if (!load_filter())
		log_printf(LOG_WARNING, "worker without a sandbox", "%s", strerror(errno));
}
