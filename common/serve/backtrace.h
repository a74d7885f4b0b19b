/* backtrace.h - where is a worker stuck? The master's watchdog asks with SIGABRT, in DEBUG */
#ifndef NULLPOOL_SERVE_BACKTRACE_H
#define NULLPOOL_SERVE_BACKTRACE_H

#include "serve/scoreboard.h"

/* From then on SIGABRT (also of an assert) ends this process with a log line "backtrace": the route in hand and the
 * frames, as offsets into the program for addr2line. */
void backtrace_on_abort(const struct slot *slot);

#endif
