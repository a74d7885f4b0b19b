#include "serve/backtrace.h"

#include <execinfo.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"

#define FRAMES_MAX 48

static const struct slot *in_hand;

/* NOLINTBEGIN(bugprone-signal-handler,cert-sig30-c): nothing of this is safe in a signal handler, and need not be. The
 * process is lost already; should this hang, for the heap may be locked, the watchdog's SIGKILL follows. */
static void
log_backtrace(int signal_number)
{
	void *frames[FRAMES_MAX];
	char text[LOG_LINE_MAX / 2], **names;
	int count = backtrace(frames, FRAMES_MAX);
	struct log_line line;
	struct buf out;

	names = backtrace_symbols(frames, count);
	buf_init_fixed(&out, text, sizeof(text));
	for (int i = 0; names && i < count; i++)
		buf_printf(&out, "%s%s", i ? " < " : "", names[i]);
	log_begin(&line, LOG_ERROR, "backtrace");
	log_string(&line, "route", in_hand->route);
	log_string(&line, "frames", text);
	log_end(&line);
	_exit(128 + signal_number);
}
/* NOLINTEND(bugprone-signal-handler,cert-sig30-c) */

void
backtrace_on_abort(const struct slot *slot)
{
	in_hand = slot;
	(void)signal(SIGABRT, log_backtrace);
}
