#include "serve/fcgi.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "app/exchange.h"
#include "app/failure.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/wait.h"
#include "http/problem.h"
#include "observe/scoreboard.h"
#include "serve/cgi.h"
#include "serve/events.h"
#include "serve/fcgi_gate.h"

/* The server on the other side is on this machine and has the whole request before it connects. */
#define PEER_TIMEOUT_S  1
#define PEER_TIMEOUT_MS (PEER_TIMEOUT_S * INT64_C(1000))
/* How often a head that came in pieces is looked at again: no server of ours sends one so. */
#define PIECE_MS 1
/* A program that cannot serve refuses for so long, so that it is started less often than a socket
 * of systemd's gives up at: with it, who waits would get a reset. */
#define REFUSE_FOR_MS 2000
/* And this long while they keep coming: it is to have ended before TimeoutStartSec= of its service.
 */
#define REFUSE_MOST_MS 20000
/* As long as it takes somebody to mend the settings. */
#define REFUSED_RETRY_S "30"
/* A client that has waited for less is not looked at before its turn: it is hardly gone. */
#define GONE_AFTER_MS 50
/* Two clocks that drift apart by so much have not drifted: one of them was set. */
#define CLOCK_STEP_MS 1000

/* How far the wall clock is before the monotonic one, as last seen, and until when on the latter no
 * stamp is believed. */
static int64_t distance_ms, distrust_until_ms;
/* The year 5138: what is later, or before 1970, is no time that a request began at. */
#define START_MAX_S 1e11

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

/* Looks at what has come; `flags` are more of recv()'s. Keeps *size where nothing has. */
static enum fcgi_gate
peek(int fd, int flags, size_t *size)
{
	static unsigned char bytes[FCGI_GATE_MAX_BYTES];
	ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_PEEK | flags);
	enum fcgi_gate gate;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? FCGI_GATE_MORE : FCGI_GATE_SHUT;
	*size = (size_t)got;
	gate = got > 0 ? fcgi_gate(bytes, *size) : FCGI_GATE_SHUT;
	return gate == FCGI_GATE_MORE && got == FCGI_GATE_MAX_BYTES ? FCGI_GATE_SHUT : gate;
}

/* Pieces are looked at again and again: a peek waits for the first byte only. */
static enum fcgi_gate
wait_for_pieces(int fd, struct deadline deadline)
{
	struct deadline silence = deadline_in_ms(PEER_TIMEOUT_MS);
	struct pollfd peer = { .fd = fd, .events = POLLRDHUP };
	size_t before = 0, size = 0;
	enum fcgi_gate gate = peek(fd, 0, &size);

	while (gate == FCGI_GATE_MORE && size > 0 && !deadline_passed(silence)
	       && !deadline_passed(deadline)) {
		bool ended = poll(&peer, 1, 0) > 0;

		before = size;
		clock_sleep_ms(PIECE_MS, deadline);
		gate = peek(fd, MSG_DONTWAIT, &size);
		if (size > before)
			silence = deadline_in_ms(PEER_TIMEOUT_MS);
		else if (ended)
			break;
	}
	return gate;
}

/* Lets no record to libfcgi that it would abort on. A server sends the parameters in one piece,
 * mostly before they are looked for, and then no read of theirs can block. */
static enum fcgi_gate
wait_at_gate(int fd, struct deadline deadline)
{
	const struct timeval timeout = { .tv_sec = PEER_TIMEOUT_S };
	size_t size = 0;
	enum fcgi_gate gate = peek(fd, MSG_DONTWAIT, &size);

	if (gate != FCGI_GATE_WHOLE)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return gate == FCGI_GATE_MORE ? wait_for_pieces(fd, deadline) : gate;
}

/* Takes the FastCGI request that waits on an accepted socket. False: there is none, or none that
 * libfcgi may see.
 *
 * libfcgi would accept by itself, but then blocks for ever on a peer that sends half a record, and
 * a signal cuts its reads. Setting ipcFd makes it use our socket, which has timeouts; with
 * keepConnection it does not close that socket first; with no listener it fails instead of
 * accepting another one after a bad request. These are public fields and no documented contract:
 * tests/system/test_fastcgi.py watches them. */
static bool
open_request(FCGX_Request *fcgi, int fd, struct deadline deadline)
{
	const struct timeval timeout = { .tv_sec = PEER_TIMEOUT_S };
	enum fcgi_gate gate = wait_at_gate(fd, deadline);

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	(void)FCGX_InitRequest(fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	fcgi->ipcFd = fd;
	fcgi->keepConnection = 1;
	if (gate == FCGI_GATE_MORE || gate == FCGI_GATE_SHUT)
		return false;
	/* Parameters that broke off (the other side went, aborted, sent what may not stand there)
	 * are the end of parameters to it, and the error all that tells: without it a request would
	 * run that has lost a header. */
	return FCGX_Accept_r(fcgi) == 0 && FCGX_GetError(fcgi->in) == 0;
}

/* The reply has left, END_REQUEST with it, and all of the request was received: nothing is left to
 * wait for. libfcgi would wait for the server to close first, which costs a switch of processes for
 * each request. What is unread when a socket is closed would be an error on the other side: the
 * record that ends a body is. */
static void
close_at_once(FCGX_Request *fcgi)
{
	char rest[512];

	while (recv(fcgi->ipcFd, rest, sizeof(rest), MSG_DONTWAIT) > 0)
		;
	(void)close(fcgi->ipcFd);
	fcgi->ipcFd = -1;
	FCGX_Free(fcgi, 0);
}

/* END_REQUEST, and the socket closed when the other side has. */
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
	/* Both streams, errors first: closing the last one sends END_REQUEST in the same write as
	 * the reply. */
	(void)FCGX_FClose(fcgi->err);
	(void)FCGX_FClose(fcgi->out);
	/* Not what closing returns: that was 0 after EPIPE. */
	if (FCGX_GetError(fcgi->out) != 0)
		log_plain(LOG_WARNING, "reply not sent");
}

/* nginx closes its side when its client has gone. */
static bool
is_gone(int fd, int64_t waited)
{
	if (waited >= 0 && waited < GONE_AFTER_MS)
		return false;
	return wait_is_abandoned(&fd);
}

void
fcgi_sync_clock(void)
{
	distance_ms = clock_wall_us() / 1000 - clock_now_us() / 1000;
}

/* Whether a stamp of the wall clock may be taken from now_ms. Not when the clock was set, until all
 * are gone that may have been in the queue then: one that waited longer is too late by any clock.
 */
static bool
is_steady(int64_t now_ms, int64_t queue_s)
{
	int64_t monotonic_ms = clock_now_us() / 1000,
	        moved_ms = now_ms - monotonic_ms - distance_ms;

	if (llabs(moved_ms) >= CLOCK_STEP_MS) {
		log_printf(LOG_WARNING, "clock set", "by %.1f s", (double)moved_ms / 1000);
		distrust_until_ms = monotonic_ms + queue_s * 1000;
	}
	distance_ms += moved_ms;
	return monotonic_ms >= distrust_until_ms;
}

/* Milliseconds since nginx, having the request, began to connect ($msec, seconds with three
 * decimals); -1 when nobody can say. It is of the wall clock, which both sides of one machine
 * share. */
static int64_t
waited_ms(char *const *environment, int64_t queue_s)
{
	const char *text = cgi_variable(environment, "REQUEST_START");
	int64_t now_ms = clock_wall_us() / 1000, waited;
	bool steady = is_steady(now_ms, queue_s);
	double start;

	if (!steady || !text || !parse_float(text, &start) || start < 0 || start > START_MAX_S)
		return -1;
	waited = now_ms - (int64_t)(start * 1000);
	return waited > 0 ? waited : 0;
}

static bool
is_in_time(const struct settings *settings, int64_t waited, struct error *err)
{
	if (waited <= settings->database_pool_timeout_s * 1000)
		return true;
	atomic_fetch_add(&board->pool_timeouts, 1);
	return error_set(err, NP_UNAVAILABLE, "All workers were busy for too long");
}

/* *whole: all of the request was received. */
static struct np_ctx *
live(struct app *app, void *scope, FCGX_Request *fcgi, struct request *request,
     struct deadline deadline, int64_t waited, bool *whole)
{
	struct error err;

	if (waited > 0)
		deadline.at_us -= waited * 1000;
	*whole = cgi_request(scope, fcgi->envp, read_body, fcgi, request, &err);
	request->queue_ms = waited;
	request->client = &fcgi->ipcFd;
	if (!*whole || !is_in_time(app->settings, waited, &err))
		return exchange_refuse(scope, app, request, &err);
	return exchange_begin(scope, app, request, deadline);
}

static void
answer(struct app *app, void *scope, FCGX_Request *fcgi, struct deadline deadline)
{
	int64_t waited = waited_ms(fcgi->envp, app->settings->database_pool_timeout_s);
	struct request request;
	struct np_ctx *ctx;
	bool whole;

	if (is_gone(fcgi->ipcFd, waited)) {
		atomic_fetch_add(&board->clients_gone, 1);
		log_plain(LOG_INFO, "client gone before its turn");
		close_request(fcgi);
		return;
	}
	ctx = live(app, scope, fcgi, &request, deadline, waited, &whole);
	if (exchange_is_abandoned(ctx))
		atomic_fetch_add(&board->clients_gone, 1);
	else
		send_reply(fcgi, exchange_reply(ctx), scope);
	if (whole && !exchange_is_abandoned(ctx))
		close_at_once(fcgi);
	else
		close_request(fcgi);
	exchange_end(ctx);
}

void
fcgi_answer(struct app *app, int fd, struct deadline deadline)
{
	void *scope = mem_scope(mem_process(), "request");
	FCGX_Request fcgi;

	if (!open_request(&fcgi, fd, deadline)) {
		log_plain(LOG_WARNING, "no FastCGI request on a connection");
		if (fcgi.ipcFd >= 0)
			FCGX_Free(&fcgi, 1);
	} else {
		answer(app, scope, &fcgi, deadline);
	}
	mem_free(scope);
}

static void
refuse(FCGX_Request *fcgi, void *scope)
{
	struct problem problem = { .status = failure_status(NP_UNAVAILABLE),
		                   .detail = "The endpoint cannot be started" };
	struct request request;
	struct reply reply;
	struct error ignored;
	/* For its id, and so that all of it is taken. */
	bool whole = cgi_request(scope, fcgi->envp, read_body, fcgi, &request, &ignored);

	problem.request_id = request.id;
	reply_init(&reply, scope);
	problem_write(&reply, &problem);
	reply_set_header(&reply, "Retry-After", REFUSED_RETRY_S);
	reply.without_body = strcmp(request.method, "HEAD") == 0;
	send_reply(fcgi, &reply, scope);
	(whole ? close_at_once : close_request)(fcgi);
	log_printf(LOG_WARNING, "request refused", "the program cannot be started");
}

static void
refuse_one(int fd)
{
	void *scope = mem_scope(mem_process(), "request");
	FCGX_Request fcgi;

	if (open_request(&fcgi, fd, deadline_in_ms(PEER_TIMEOUT_MS)))
		refuse(&fcgi, scope);
	else if (fcgi.ipcFd >= 0)
		FCGX_Free(&fcgi, 1);
	mem_free(scope);
}

void
fcgi_refuse_waiting(int listener)
{
	struct pollfd waiting = { .fd = listener, .events = POLLIN };
	struct deadline end = { 0 }, last = deadline_in_ms(REFUSE_MOST_MS);
	struct error err;

	if (!fcgi_init(&err) || fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK) < 0)
		return;
	/* SIGTERM is blocked, and nobody reads it: systemctl restart would wait for as long as
	 * requests keep coming. Those that wait then are for the next program, whose settings may
	 * be right. */
	while (!deadline_passed(last) && poll(&waiting, 1, deadline_left_ms(end)) > 0
	       && !events_end_is_pending()) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (end.at_us == 0)
			end = deadline_in_ms(REFUSE_FOR_MS);
		if (fd >= 0)
			refuse_one(fd);
	}
}
