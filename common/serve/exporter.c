#include "serve/exporter.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "observe/otlp_export.h"
#include "observe/scoreboard.h"

/* What may wait while the exporter is busy; the kernel gives what net.core.wmem_max allows. */
#define SOCKET_BYTES (1 << 20)
/* The pause after one that crashed. */
#define PAUSE_MS 1000

bool
exporter_open(struct inheritance *master, struct error *err)
{
	int pair[2], size = SOCKET_BYTES;

	master->spans_reader = master->spans_writer = -1;
	if (!master->settings->otlp_url)
		return true;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return error_set(err, FAILURE_INTERNAL, "could not make the socket for spans: %s",
		                 strerror(errno));
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	master->spans_reader = pair[0];
	master->spans_writer = pair[1];
	atomic_store(&board->tracing, 1);
	return true;
}

static int
run_exporter(const struct inheritance *own, const void *unused)
{
	(void)unused;
	return otlp_export_run(own->settings, own->spans_reader);
}

struct deadline
exporter_due(const struct exporter *exporter, const struct inheritance *master)
{
	if (exporter->pid != 0 || exporter->unavailable || master->spans_writer < 0)
		return DEADLINE_NEVER;
	return exporter->due;
}

void
exporter_start(struct exporter *exporter, const struct inheritance *master)
{
	exporter->due = deadline_in_ms(PAUSE_MS);
	exporter->pid = child_fork(master, CHILD_EXPORTER, run_exporter, NULL);
	if (exporter->pid < 0)
		exporter->pid = 0;
}

bool
exporter_on_child_exit(struct exporter *exporter, const struct inheritance *master, pid_t pid,
                       int status)
{
	if (pid != exporter->pid)
		return false;
	exporter->pid = 0;
	exporter->unavailable = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_UNAVAILABLE;
	if (exporter->unavailable)
		atomic_store(&board->tracing, 0);
	else if (master->spans_writer >= 0)
		log_printf(LOG_ERROR, "span exporter died", "status %d", status);
	return true;
}

void
exporter_close(struct inheritance *master)
{
	if (master->spans_writer < 0)
		return;
	(void)close(master->spans_writer);
	master->spans_writer = -1;
}
