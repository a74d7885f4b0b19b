/* sink.h - writes log lines whole or not at all, and never waits for a reader
 *
 * A request must not hang because nobody reads its log. Where a pipe, a socket or a disk is full,
 * the line is dropped and counted. O_NONBLOCK would do it too, but would apply to every process
 * that has the same terminal or pipe. So pipes and terminals are asked by poll() whether there is
 * room, a socket is told for each write not to wait, and a file needs neither.
 */
#ifndef NULLPOOL_BASE_SINK_H
#define NULLPOOL_BASE_SINK_H

#include "base/attributes.h"

/* Writes the line in one write(), so that lines of several processes do not mix. A line over
 * PIPE_BUF takes several writes into a pipe. */
void sink_write(int fd, const char *line, size_t size);

/* Returns how many lines this process has dropped. */
uint64_t sink_dropped(void);

#endif
