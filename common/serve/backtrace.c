#include "serve/backtrace.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "serve/request_in_hand.h"

#define FRAMES_MAX   48
#define FRAMES_BYTES 3072
/* Enough for two lines of the log, and for unwinding. */
#define STACK_BYTES (64 << 10)

static const struct slot *own_slot;
static char stack[STACK_BYTES];

void
backtrace_prepare(void)
{
	void *frame;

	(void)backtrace(&frame, 1);
}

static void
append_hex(struct buf *out, uintptr_t number)
{
	static const char digits[] = "0123456789abcdef";
	int shift = 0;

	while (shift + 4 < (int)sizeof(number) * 8 && number >> (shift + 4) != 0)
		shift += 4;
	buf_text(out, "0x");
	for (; shift >= 0; shift -= 4)
		buf_char(out, digits[number >> shift & 0xf]);
}

/* Writes libc.so.6+0x1234. The loader does not keep the name of the program itself, so that is the
 * endpoint's. dladdr() would take a lock. */
static void
append_frame(struct buf *out, char *address)
{
	struct dl_find_object found;
	const char *path, *slash;

	if (_dl_find_object(address, &found) != 0) {
		append_hex(out, (uintptr_t)address);
		return;
	}
	path = *found.dlfo_link_map->l_name ? found.dlfo_link_map->l_name : scoreboard_plan()->name;
	slash = strrchr(path, '/');
	buf_text(out, slash ? slash + 1 : path);
	buf_char(out, '+');
	append_hex(out, (uintptr_t)address - found.dlfo_link_map->l_addr);
}

static void
log_frames(void)
{
	char text[FRAMES_BYTES];
	void *frames[FRAMES_MAX];
	int count = backtrace(frames, FRAMES_MAX);
	struct log_line line;
	struct buf out;

	buf_init_fixed(&out, text, sizeof(text));
	for (int i = 0; i < count; i++) {
		if (i > 0)
			buf_text(&out, " < ");
		/* One byte before the return address: after a call that never returns the address
		 * may lie in another function. */
		append_frame(&out, (char *)frames[i] - 1);
	}
	log_begin(&line, LOG_ERROR, "backtrace");
	request_in_hand_log(&line, own_slot);
	log_string(&line, "frames", text);
	log_end(&line);
}

/* NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c): the log only fills a buffer and write()s
 * it. */
static void
on_abort(int signal_number, siginfo_t *info, void *context)
{
	(void)context;
	log_frames();
	if (info->si_code == SI_USER && info->si_pid == getppid())
		_exit(128 + signal_number);
	/* SA_RESETHAND: the action is the default one by now. The signal comes when this returns.
	 */
	(void)raise(signal_number);
}

void
backtrace_on_abort(const struct slot *slot)
{
	const stack_t own = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND) };

	own_slot = slot;
	action.sa_sigaction = on_abort;
	(void)sigemptyset(&action.sa_mask);
	(void)sigaltstack(&own, NULL);
	(void)sigaction(SIGABRT, &action, NULL);
}
