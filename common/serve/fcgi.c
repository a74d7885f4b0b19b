#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "app/life.h"
#include "base/log.h"
#include "base/mem.h"
#include "serve/cgi.h"
#include "serve/fcgi.h"
#include "serve/scoreboard.h"

/* The server on the other side is on this machine and has the whole request before it connects. */
#define PEER_TIMEOUT_S 1
/* After accept() failed for want of descriptors or memory. */
#define ACCEPT_PAUSE_MS 100

struct worker {
	struct app *app;
	int listener;
	int events;  /* epoll: listener and signals */
	int signals; /* signalfd */
	size_t slot;
};

bool
fcgi_init(struct error *err)
{
	int code = FCGX_Init();

	return code == 0 || error_set(err, NP_INTERNAL, "could not start libfcgi: %d", code);
}

static size_t
read_body(void *source, char *bytes, size_t size)
{
	int got = FCGX_GetStr(bytes, (int)size, ((FCGX_Request *)source)->in);

	return got < 0 ? 0 : (size_t)got;
}

/* Takes the FastCGI request that waits on an accepted socket.
 *
 * libfcgi would accept by itself, but then blocks for ever on a peer that sends half a record, and a signal
 * cuts its reads. Setting ipcFd makes it use our socket, which has timeouts; with keepConnection it does not
 * close that socket first; with no listener it fails instead of accepting another one after a bad request.
 * These are public fields and no documented contract: tests/system/test_fastcgi.py watches them. */
static bool
open_request(FCGX_Request *fcgi, int fd)
{
	const struct timeval timeout = { .tv_sec = PEER_TIMEOUT_S };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	(void)FCGX_InitRequest(fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	fcgi->ipcFd = fd;
	fcgi->keepConnection = 1;
	return FCGX_Accept_r(fcgi) == 0;
}

/* END_REQUEST, and the socket closed. */
static void
close_request(FCGX_Request *fcgi)
{
	fcgi->keepConnection = 0;
	FCGX_Finish_r(fcgi);
}

static void
send_reply(FCGX_Request *fcgi, const struct reply *reply, void *scope)
{
	struct buf head;

	buf_init(&head, scope, REPLY_HEAD_MAX_BYTES);
	reply_write_head(reply, "Status:", &head);
	(void)FCGX_PutStr(head.data, (int)head.size, fcgi->out);
	if (!reply->without_body)
		(void)FCGX_PutStr(reply->body.data, (int)reply->body.size, fcgi->out);
	(void)FCGX_FFlush(fcgi->out);
	/* Not what FFlush returns: that was 0 after EPIPE. */
	if (FCGX_GetError(fcgi->out) != 0)
		log_plain(LOG_WARNING, "reply not sent");
}

static void
answer(struct worker *worker, int fd)
{
	struct deadline deadline = deadline_in_ms(worker->app->settings->request_timeout_s * 1000);
	void *scope = mem_scope(mem_process(), "request");
	struct request request;
	FCGX_Request fcgi;
	struct np_ctx *ctx;
	struct error err;

	if (!open_request(&fcgi, fd)) {
		log_plain(LOG_WARNING, "no FastCGI request on a connection");
		if (fcgi.ipcFd >= 0)
			FCGX_Free(&fcgi, 1);
		mem_free(scope);
		return;
	}
	if (cgi_request(scope, fcgi.envp, read_body, &fcgi, &request, &err))
		ctx = life_begin(scope, worker->app, &request, deadline);
	else
		ctx = life_refuse(scope, worker->app, &request, &err);
	send_reply(&fcgi, life_reply(ctx), scope);
	close_request(&fcgi);
	life_end(ctx);
	mem_free(scope);
}

static bool
watch(int events, int fd, uint32_t flags)
{
	struct epoll_event event = { .events = EPOLLIN | flags, .data.fd = fd };

	return epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool
open_events(struct worker *worker)
{
	sigset_t ends;

	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	worker->events = epoll_create1(EPOLL_CLOEXEC);
	worker->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	/* Exclusive: one connection wakes one idle worker, not all of them. */
	return worker->events >= 0 && worker->signals >= 0 && watch(worker->events, worker->signals, 0)
	       && watch(worker->events, worker->listener, EPOLLEXCLUSIVE);
}

/* Waits for a connection. Returns its socket, or -1 when the worker shall end. */
static int
next_connection(const struct worker *worker)
{
	for (;;) {
		struct epoll_event ready[2];
		int count = epoll_wait(worker->events, ready, 2, -1), fd;

		for (int i = 0; i < count; i++)
			if (ready[i].data.fd == worker->signals)
				return -1;
		fd = accept4(worker->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			return fd;
		/* EAGAIN: another worker was quicker. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			log_printf(LOG_ERROR, "could not accept", "%s", strerror(errno));
			clock_sleep_ms(ACCEPT_PAUSE_MS, deadline_in_ms(ACCEPT_PAUSE_MS));
		}
	}
}

bool
fcgi_serve(struct app *app, int listener, size_t slot, int64_t max_requests)
{
	struct worker worker = {
		.app = app, .listener = listener, .events = -1, .signals = -1, .slot = slot
	};
	bool begun = open_events(&worker);
	int fd;

	if (!begun)
		log_printf(LOG_ERROR, "could not start a worker", "%s", strerror(errno));
	else
		for (int64_t done = 0;
		     (max_requests == 0 || done < max_requests) && (fd = next_connection(&worker)) >= 0;
		     done++) {
			scoreboard_set_busy(slot, true);
			answer(&worker, fd);
			scoreboard_set_busy(slot, false);
		}
	if (worker.events >= 0)
		(void)close(worker.events);
	if (worker.signals >= 0)
		(void)close(worker.signals);
	return begun;
}
