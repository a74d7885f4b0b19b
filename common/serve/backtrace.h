/* backtrace.h - where is a worker stuck? The master's watchdog asks with SIGABRT before it kills
 *
 * What answers is safe in a signal handler: no heap, no lock, nothing of the request but the texts
 * that the scoreboard has, whose sequence says whether they are whole. It has a stack of its own.
 * Should it not get through all the same, SIGKILL follows.
 */
#ifndef NULLPOOL_SERVE_BACKTRACE_H
#define NULLPOOL_SERVE_BACKTRACE_H

#include "observe/scoreboard.h"

/* Once, before any worker is forked: what makes the frames is loaded on first use, which is no work
 * for a handler. */
void backtrace_prepare(void);

/* From then on SIGABRT writes a log line "backtrace": route and request id in hand, and the frames,
 * innermost first, as offsets into their files for addr2line. Then the process ends: with 134 when
 * its parent asked, by the signal after an abort of its own. */
void backtrace_on_abort(const struct slot *slot);

#endif
