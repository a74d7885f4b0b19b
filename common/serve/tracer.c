#include "serve/tracer.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "serve/scoreboard.h"
#include "serve/sender.h"

/* What waits while the sender is busy; the kernel gives what net.core.wmem_max allows. */
#define SOCKET_BYTES (1 << 20)
/* After one that died. */
#define PAUSE_MS 1000
#define FAR_MS   3600000

struct tracer {
	const struct settings *settings;
	int reader, writer;
	pid_t pid; /* 0: none */
	struct deadline due;
	bool useless; /* it said that it cannot work */
};

bool
tracer_new(void *owner, const struct settings *settings, struct tracer **tracer, struct error *err)
{
	int pair[2], size = SOCKET_BYTES;

	*tracer = NULL;
	if (!settings->otlp_url)
		return true;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return error_set(err, NP_INTERNAL, "could not make the socket for spans: %s",
		                 strerror(errno));
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*tracer = mem_new(owner, struct tracer);
	**tracer = (struct tracer){ .settings = settings, .reader = pair[0], .writer = pair[1] };
	atomic_store(&board->traced, 1);
	return true;
}

int
tracer_writer(struct tracer *tracer)
{
	if (!tracer)
		return -1;
	(void)close(tracer->reader);
	return tracer->writer;
}

/* The listener must not stay open for longer than the workers keep it. */
NORETURN static void
run_sender(const struct tracer *tracer, const struct pool *pool)
{
	int code;

	pool_drop_listener(pool);
	(void)close(tracer->writer);
	code = sender_run(tracer->settings, tracer->reader);
	mem_end();
	exit(code);
}

struct deadline
tracer_tend(struct tracer *tracer, const struct pool *pool)
{
	if (!tracer || tracer->pid != 0 || tracer->useless || tracer->writer < 0)
		return deadline_in_ms(FAR_MS);
	if (!deadline_passed(tracer->due))
		return tracer->due;
	tracer->due = deadline_in_ms(PAUSE_MS);
	tracer->pid = pool_fork(pool);
	if (tracer->pid == 0)
		run_sender(tracer, pool);
	if (tracer->pid < 0)
		tracer->pid = 0;
	return tracer->due;
}

bool
tracer_bury(struct tracer *tracer, pid_t pid, int status)
{
	if (!tracer || pid != tracer->pid)
		return false;
	tracer->pid = 0;
	tracer->useless = WIFEXITED(status) && WEXITSTATUS(status) == SENDER_USELESS;
	if (tracer->useless)
		atomic_store(&board->traced, 0);
	else if (tracer->writer >= 0)
		log_printf(LOG_ERROR, "sender of spans died", "status %d", status);
	return true;
}

void
tracer_close(struct tracer *tracer)
{
	if (!tracer || tracer->writer < 0)
		return;
	(void)close(tracer->writer);
	tracer->writer = -1;
}
