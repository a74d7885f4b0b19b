/* backtrace.h - where is a worker stuck? The master asks with SIGABRT before it kills
 * (abort_grace.h)
 *
 * The handler is safe in a signal: it uses no heap and takes no lock. Of the request it reads only
 * the texts in the scoreboard, whose sequence number says whether they are whole. It has a stack of
 * its own. If it does not get through, SIGKILL follows.
 */
#ifndef NULLPOOL_SERVE_BACKTRACE_H
#define NULLPOOL_SERVE_BACKTRACE_H

#include "observe/scoreboard.h"

/* Call this once, before any worker is forked: the unwinder is loaded on first use, which a signal
 * handler must not do. */
void backtrace_prepare(void);

/* From then on SIGABRT writes a log line "backtrace": route and request id in hand, and the frames,
 * innermost first, as offsets into their files for addr2line. Then the process ends: with 134 if
 * its parent sent the signal, by the signal after an abort of its own. */
void backtrace_on_abort(const struct slot *slot);

#endif
