#include "serve/fcgi.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "app/exchange.h"
#include "app/failure.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/poll.h"
#include "db/wait.h"
#include "http/problem.h"
#include "observe/scoreboard.h"
#include "serve/cgi.h"
#include "serve/events.h"
#include "serve/fcgi_gate.h"
#include "serve/queue_wait.h"

/* The web server is on this machine and has the whole request before it connects. */
#define PEER_TIMEOUT_S  1
#define PEER_TIMEOUT_MS (PEER_TIMEOUT_S * INT64_C(1000))
/* How often parameters that came in pieces are looked at again: no server of ours sends them so. */
#define PIECE_MS 1
/* A program that cannot serve refuses requests for this long at least. It is then started less
 * often than the limit at which systemd gives up its socket, and who waits there gets no reset. */
#define REFUSE_FOR_MS 2000
/* And for this long at most, while requests keep coming: it has to end before TimeoutStartSec= of
 * its service. */
#define REFUSE_MAX_MS 20000
/* The time that somebody needs to correct the settings. */
#define REFUSED_RETRY_S "30"
/* A client that has waited for less is hardly gone, and is not looked at before its turn. */
#define GONE_AFTER_MS 50
/* Of a stream, sent with one timeout: no more than libfcgi writes at once. */
#define PIECE_BYTES ((size_t)8 << 10)

bool
fcgi_init(struct error *err)
{
	int code = FCGX_Init();

	return code == 0 || error_set(err, FAILURE_INTERNAL, "could not start libfcgi: %d", code);
}

static size_t
read_body(void *source, char *bytes, size_t size)
{
	int got = FCGX_GetStr(bytes, (int)size, ((FCGX_Request *)source)->in);

	return got < 0 ? 0 : (size_t)got;
}

/* Looks at what has come, without reading it. `flags` are added to recv()'s. Keeps *size if nothing
 * has come. */
static enum fcgi_gate
peek_records(int fd, int flags, size_t *size)
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

/* Looks again and again: a peek only waits for the first byte. */
static enum fcgi_gate
wait_for_pieces(int fd, struct deadline deadline)
{
	struct deadline silence = deadline_in_ms(PEER_TIMEOUT_MS);
	size_t before = 0, size = 0;
	enum fcgi_gate gate = peek_records(fd, 0, &size);

	while (gate == FCGI_GATE_MORE && size > 0 && !deadline_passed(silence)
	       && !deadline_passed(deadline)) {
		bool ended = poll_until(fd, POLLRDHUP, DEADLINE_NOW) == POLL_READY;

		before = size;
		clock_sleep_ms(PIECE_MS, deadline);
		gate = peek_records(fd, MSG_DONTWAIT, &size);
		if (size > before)
			silence = deadline_in_ms(PEER_TIMEOUT_MS);
		else if (ended)
			break;
	}
	return gate;
}

/* Keeps from libfcgi the records that it would abort on. A web server sends the parameters in one
 * piece, mostly before they are looked for, and then no read of them can block. */
static enum fcgi_gate
wait_at_gate(int fd, struct deadline deadline)
{
	const struct timeval timeout = { .tv_sec = PEER_TIMEOUT_S };
	size_t size = 0;
	enum fcgi_gate gate = peek_records(fd, MSG_DONTWAIT, &size);

	if (gate != FCGI_GATE_WHOLE)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return gate == FCGI_GATE_MORE ? wait_for_pieces(fd, deadline) : gate;
}

/* Takes the FastCGI request that waits on an accepted socket. Returns false if there is none, or
 * none that libfcgi may see.
 *
 * libfcgi would accept by itself, but then it blocks for ever on a peer that sends half a record,
 * and a signal cuts its reads. Setting ipcFd makes it use our socket, which has timeouts. With
 * keepConnection it does not close that socket first. With no listener it fails after a bad request
 * instead of accepting another one. These are public fields and no documented contract:
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
	/* To libfcgi, parameters that broke off (the peer went, aborted, or sent a record that does
	 * not belong there) have ended. Only the error tells: without asking for it, a request that
	 * has lost a header would run. */
	return FCGX_Accept_r(fcgi) == 0 && FCGX_GetError(fcgi->in) == 0;
}

/* The reply and END_REQUEST have left, and all of the request was received: nothing is left to wait
 * for. libfcgi would wait for the web server to close first, which costs a context switch a
 * request. Bytes that are unread when a socket is closed are an error for the other side, so the
 * record that ends the body is read. */
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

/* Sends END_REQUEST, and closes the socket after the other side has. */
static void
close_request(FCGX_Request *fcgi)
{
	fcgi->keepConnection = 0;
	FCGX_Finish_r(fcgi);
}

static void
send_head_and_body(FCGX_Request *fcgi, const struct reply *reply, void *scope)
{
	struct buf head;

	buf_init(&head, scope, REPLY_HEAD_MAX_BYTES);
	reply_write_head(reply, "Status:", &head);
	(void)FCGX_PutStr(head.data, (int)head.size, fcgi->out);
	if (!reply->without_body)
		(void)FCGX_PutStr(reply->body.data, (int)reply->body.size, fcgi->out);
}

static void
end_reply(FCGX_Request *fcgi)
{
	/* Errors first: closing the last stream sends END_REQUEST in the same write as the reply.
	 */
	(void)FCGX_FClose(fcgi->err);
	(void)FCGX_FClose(fcgi->out);
	/* FCGX_FClose() returned 0 after EPIPE. */
	if (FCGX_GetError(fcgi->out) != 0)
		log_plain(LOG_WARNING, "reply not sent");
}

static void
send_reply(FCGX_Request *fcgi, const struct reply *reply, void *scope)
{
	send_head_and_body(fcgi, reply, scope);
	end_reply(fcgi);
}

/* Sends a part of a body in pieces, each until the deadline: the web server may be as slow as its
 * client. Returns false if it was not all sent. */
static bool
send_part(FCGX_Request *fcgi, const struct buf *part, struct deadline deadline)
{
	for (size_t sent = 0, size; sent < part->size; sent += size) {
		int left_ms = deadline_left_ms(deadline);
		/* Zero would be no timeout. */
		const struct timeval timeout = { .tv_sec = left_ms / 1000,
			                         .tv_usec = left_ms % 1000 * 1000 + 1 };

		size = part->size - sent < PIECE_BYTES ? part->size - sent : PIECE_BYTES;
		(void)setsockopt(fcgi->ipcFd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
		if (left_ms <= 0
		    || FCGX_PutStr(part->data + sent, (int)size, fcgi->out) != (int)size)
			return false;
	}
	return FCGX_GetError(fcgi->out) == 0;
}

/* Sends the further parts of a body. Returns false if they did not all come, or could not all be
 * sent. */
static bool
send_parts(FCGX_Request *fcgi, struct np_ctx *ctx, struct deadline deadline)
{
	while (exchange_goes_on(ctx))
		if (!exchange_continue(ctx)
		    || !send_part(fcgi, &exchange_reply(ctx)->body, deadline))
			return false;
	return true;
}

/* Closes the socket without END_REQUEST, which nginx takes for the end of a whole reply. With
 * fastcgi_keep_conn it needs one, and its client sees a reply that broke off. */
static void
break_off(FCGX_Request *fcgi, const struct np_ctx *ctx)
{
	bool is_gone = exchange_is_abandoned(ctx) || FCGX_GetError(fcgi->out) != 0;

	atomic_fetch_add(is_gone ? &board->clients_gone : &board->replies_broken_off, 1);
	(void)close(fcgi->ipcFd);
	fcgi->ipcFd = -1;
	FCGX_Free(fcgi, 0);
}

/* nginx closes its side when its client has gone. */
static bool
is_client_gone(int fd, int64_t waited_ms)
{
	if (waited_ms >= 0 && waited_ms < GONE_AFTER_MS)
		return false;
	return wait_is_abandoned(&fd);
}

static bool
is_in_time(const struct settings *settings, int64_t waited_ms, struct error *err)
{
	if (waited_ms <= settings->database_pool_timeout_s * 1000)
		return true;
	atomic_fetch_add(&board->pool_timeouts, 1);
	return error_set(err, FAILURE_UNAVAILABLE, "All workers were busy for too long");
}

/* *whole: all of the request was received. */
static struct np_ctx *
begin_exchange(struct app *app, void *scope, FCGX_Request *fcgi, struct request *request,
               struct deadline deadline, int64_t waited_ms, bool *whole)
{
	const struct cgi_body body = { read_body, fcgi, route_table_body_max(app->routes) };
	struct error err;

	if (waited_ms > 0)
		deadline.at_us -= waited_ms * 1000;
	*whole = cgi_request(scope, fcgi->envp, &body, request, &err);
	request->queue_ms = waited_ms;
	request->client = &fcgi->ipcFd;
	/* libfcgi has set it to what the web server asked for. */
	request->shows_break = !request->is_old_http && fcgi->keepConnection;
	if (!*whole || !is_in_time(app->settings, waited_ms, &err))
		return exchange_refuse(scope, app, request, &err);
	return exchange_begin(scope, app, request, deadline);
}

/* `whole`: all of the request was received. */
static void
answer_exchange(FCGX_Request *fcgi, struct np_ctx *ctx, void *scope, struct deadline deadline,
                bool whole)
{
	send_head_and_body(fcgi, exchange_reply(ctx), scope);
	if (exchange_goes_on(ctx) && !send_parts(fcgi, ctx, deadline)) {
		break_off(fcgi, ctx);
		return;
	}
	end_reply(fcgi);
	(whole ? close_at_once : close_request)(fcgi);
}

static void
answer_request(struct app *app, void *scope, FCGX_Request *fcgi, struct deadline deadline)
{
	const char *stamp = cgi_variable(fcgi->envp, "REQUEST_START");
	int64_t waited_ms = queue_wait_ms(stamp, app->settings->database_pool_timeout_s);
	struct request request;
	struct np_ctx *ctx;
	bool whole;

	if (is_client_gone(fcgi->ipcFd, waited_ms)) {
		atomic_fetch_add(&board->clients_gone, 1);
		log_plain(LOG_INFO, "client gone before its turn");
		close_request(fcgi);
		return;
	}
	ctx = begin_exchange(app, scope, fcgi, &request, deadline, waited_ms, &whole);
	if (exchange_is_abandoned(ctx)) {
		atomic_fetch_add(&board->clients_gone, 1);
		close_request(fcgi);
	} else {
		answer_exchange(fcgi, ctx, scope, deadline, whole);
	}
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
		answer_request(app, scope, &fcgi, deadline);
	}
	mem_free(scope);
}

static void
refuse_request(FCGX_Request *fcgi, void *scope)
{
	struct problem problem = { .status = failure_status(FAILURE_UNAVAILABLE),
		                   .detail = "The endpoint cannot be started" };
	struct request request;
	struct reply reply;
	struct error ignored;
	const struct cgi_body body = { read_body, fcgi, REQUEST_BODY_LIMIT_BYTES };
	/* Its id is needed, and all of it has to be read. */
	bool whole = cgi_request(scope, fcgi->envp, &body, &request, &ignored);

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
refuse_connection(int fd)
{
	void *scope = mem_scope(mem_process(), "request");
	FCGX_Request fcgi;

	if (open_request(&fcgi, fd, deadline_in_ms(PEER_TIMEOUT_MS)))
		refuse_request(&fcgi, scope);
	else if (fcgi.ipcFd >= 0)
		FCGX_Free(&fcgi, 1);
	mem_free(scope);
}

void
fcgi_refuse_waiting(int listener)
{
	struct deadline end = DEADLINE_NOW, last = deadline_in_ms(REFUSE_MAX_MS);
	struct error err;

	if (!fcgi_init(&err) || fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK) < 0)
		return;
	/* SIGTERM is blocked, and nothing else here looks for it: systemctl restart would wait for
	 * as long as requests keep coming. Those that wait then are for the next program, whose
	 * settings may be right. */
	while (!deadline_passed(last) && poll_until(listener, POLLIN, end) == POLL_READY
	       && !events_end_is_pending()) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (end.at_us == 0)
			end = deadline_in_ms(REFUSE_FOR_MS);
		if (fd >= 0)
			refuse_connection(fd);
	}
}
