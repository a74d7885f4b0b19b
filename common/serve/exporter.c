#include "serve/exporter.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/log.h"
#include "base/mem.h"
#include "observe/otlp_export.h"
#include "observe/scoreboard.h"

/* What waits while the sender is busy; the kernel gives what net.core.wmem_max allows. */
#define SOCKET_BYTES (1 << 20)
/* After one that died. */
#define PAUSE_MS 1000
#define FAR_MS   3600000

struct exporter {
	const struct settings *settings;
	int reader, writer;
	pid_t pid; /* 0: none */
	struct deadline due;
	bool useless; /* it said that it cannot work */
};

bool
exporter_new(void *owner, const struct settings *settings, struct exporter **exporter,
             struct error *err)
{
	int pair[2], size = SOCKET_BYTES;

	*exporter = NULL;
	if (!settings->otlp_url)
		return true;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return error_set(err, NP_INTERNAL, "could not make the socket for spans: %s",
		                 strerror(errno));
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*exporter = mem_new(owner, struct exporter);
	**exporter = (struct exporter){ .settings = settings,
		                        .reader = pair[0],
		                        .writer = pair[1] };
	atomic_store(&board->tracing, 1);
	return true;
}

int
exporter_writer(struct exporter *exporter)
{
	if (!exporter)
		return -1;
	(void)close(exporter->reader);
	return exporter->writer;
}

/* The listener must not stay open for longer than the workers keep it. */
NORETURN static void
run_sender(const struct exporter *exporter, const struct pool *pool)
{
	int code;

	pool_drop_listener(pool);
	(void)close(exporter->writer);
	code = otlp_export_run(exporter->settings, exporter->reader);
	mem_end();
	exit(code);
}

struct deadline
exporter_tend(struct exporter *exporter, const struct pool *pool)
{
	if (!exporter || exporter->pid != 0 || exporter->useless || exporter->writer < 0)
		return deadline_in_ms(FAR_MS);
	if (!deadline_passed(exporter->due))
		return exporter->due;
	exporter->due = deadline_in_ms(PAUSE_MS);
	exporter->pid = pool_fork(pool);
	if (exporter->pid == 0)
		run_sender(exporter, pool);
	if (exporter->pid < 0)
		exporter->pid = 0;
	return exporter->due;
}

bool
exporter_bury(struct exporter *exporter, pid_t pid, int status)
{
	if (!exporter || pid != exporter->pid)
		return false;
	exporter->pid = 0;
	exporter->useless = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_UNAVAILABLE;
	if (exporter->useless)
		atomic_store(&board->tracing, 0);
	else if (exporter->writer >= 0)
		log_printf(LOG_ERROR, "sender of spans died", "status %d", status);
	return true;
}

void
exporter_close(struct exporter *exporter)
{
	if (!exporter || exporter->writer < 0)
		return;
	(void)close(exporter->writer);
	exporter->writer = -1;
}
