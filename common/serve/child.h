/* child.h - the children of a master: how they are forked, and what each kind of them inherits
 *
 * A fork copies every descriptor. struct inheritance lists those that matter, and a table in
 * child.c says which of them each kind of child keeps; child_fork() closes the others. A child ends
 * when its master does, however the master ends. Nothing that must not be shared crosses a fork:
 * connections belong to an app, and a child that needs an app makes its own.
 */
#ifndef NULLPOOL_SERVE_CHILD_H
#define NULLPOOL_SERVE_CHILD_H

#include <sys/types.h>

#include "app/app.h"
#include "base/attributes.h"
#include "base/log.h"
#include "config/settings.h"

/* The endpoint, and what its master has open. A child has a copy, in which what it does not keep is
 * -1. */
struct inheritance {
	const char *name;
	const struct route_table *routes;
	const struct settings *settings;
	pid_t master;
	int listener;     /* the listening socket, in non-blocking mode */
	int busy_event;   /* eventfd that a worker signals when no worker is idle any more */
	int ready_event;  /* eventfd of all workers, see idle.h */
	int spans_reader; /* a socket pair from the workers to the exporter; -1: no collector */
	int spans_writer;
	int keys_event; /* eventfd of a worker that asks for signing keys; -1: none are fetched */
};

enum child_kind {
	CHILD_WORKER,
	CHILD_EXPORTER,
	CHILD_KEY_FETCHER,
	CHILD_STARTUP_CHECK,
	CHILD_RELOAD_CHECK,
	CHILD__MAX
};

/* What a child does. Returns the exit code; with EXIT_INTERNAL the process ends at once. */
typedef int child_main(const struct inheritance *own, const void *argument);

/* Forks a child that calls run() and ends. Returns its pid, or -1 (logged). */
pid_t child_fork(const struct inheritance *from, enum child_kind kind, child_main *run,
                 const void *argument);

/* Makes a child's own app, which lives as long as the process. Returns NULL (logged) if it could
 * not. */
struct app *child_app(const struct inheritance *own);

/* Adds a child's pid, and how it ended, to a line of the log. `status` is of waitpid(). */
void child_add_exit(struct log_line *line, pid_t pid, int status);

/* Logs `event` if a child that is no worker of this program crashed. One that was asked to end, or
 * was killed because it did not, has not crashed. */
void child_log_crash(const char *event, pid_t pid, int status);

#endif
