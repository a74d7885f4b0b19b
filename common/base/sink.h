/* sink.h - where log lines go: whole, or not at all, and without waiting for a reader
 *
 * A request must not hang because nobody reads its log. A pipe or a socket that is full, and a disk
 * that is, lose the line, which is counted. Not by O_NONBLOCK: that would be set for everybody who
 * has the same terminal or pipe; those are asked first whether there is room, a socket is told each
 * time not to wait, and a file needs neither.
 */
#ifndef NULLPOOL_BASE_SINK_H
#define NULLPOOL_BASE_SINK_H

#include "base/attributes.h"

/* One write(), so that lines of several processes do not mix; into a pipe more than PIPE_BUF are
 * several. */
void sink_write(int fd, const char *line, size_t size);

/* Lines that were lost, since the process began. */
uint64_t sink_dropped(void);

#endif
