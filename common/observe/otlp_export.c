#include "observe/otlp_export.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit_code.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/client.h"
#include "observe/otlp_spans.h"
#include "observe/scoreboard.h"

/* A batch is sent when it has this many spans, or at this age. OpenTelemetry's SDKs have the same
 * number, and an age of 5 s. */
#define BATCH_SPANS     512
#define BATCH_MS        1000
#define BATCH_MAX_BYTES (1 << 20)
/* The longest pause before the first retry, with full jitter; it doubles with each retry. */
#define RETRY_MS     1000
#define ATTEMPTS_MAX 5
/* How long the last spans may delay a shutdown. */
#define LAST_BATCH_MS 2000

static const char user_agent[] = "OTel-OTLP-Exporter-nullpool/" NP_VERSION;

struct batch {
	struct buf text; /* "", or a request's body without its end */
	size_t spans;
};

struct otlp_exporter {
	const struct settings *settings;
	int messages, signals; /* descriptors */
	struct http_client *client;
	struct http_client_request request;
	struct batch collecting, sending;
	struct deadline due;   /* when `collecting` is sent although it is not full */
	struct deadline retry; /* when `sending` is posted again */
	int attempts;          /* of `sending`; 0: it is empty */
	bool failing;          /* the last POST failed, which was logged */
	bool closed;           /* all writing ends are closed */
	struct deadline end;
};

/* --- collecting --- */

static bool
is_full(const struct batch *batch)
{
	return batch->spans >= BATCH_SPANS
	       || batch->text.size + OTLP_SPANS_MAX_BYTES + 64 > BATCH_MAX_BYTES;
}

/* Counts a key that each span has once. */
static size_t
count_spans(const char *text)
{
	static const char key[] = "\"spanId\":";
	size_t count = 0;

	for (; (text = strstr(text, key)) != NULL; text += sizeof(key) - 1)
		count++;
	return count;
}

static void
add_message(struct otlp_exporter *exporter, const char *message, size_t size)
{
	struct batch *batch = &exporter->collecting;

	if (batch->text.size == 0) {
		otlp_spans_begin_batch(&batch->text, exporter->settings);
		exporter->due = deadline_in_ms(BATCH_MS);
	} else {
		buf_char(&batch->text, ',');
	}
	buf_add(&batch->text, message, size);
	batch->spans += count_spans(message);
}

/* Reads messages while the batch has room. The others stay in the socket, and when that is full,
 * workers drop theirs. */
static void
read_messages(struct otlp_exporter *exporter)
{
	static char message[OTLP_SPANS_MAX_BYTES + 1];

	while (!exporter->closed && !is_full(&exporter->collecting)) {
		ssize_t size = recv(exporter->messages, message, sizeof(message) - 1, MSG_DONTWAIT);

		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (size <= 0) {
			exporter->closed = true;
			exporter->end = deadline_in_ms(LAST_BATCH_MS);
			return;
		}
		message[size] = '\0';
		add_message(exporter, message, (size_t)size);
	}
}

/* --- sending --- */

static void
begin_post(struct otlp_exporter *exporter)
{
	exporter->attempts++;
	exporter->request.body = exporter->sending.text.data;
	exporter->request.size = exporter->sending.text.size;
	http_client_begin(exporter->client, &exporter->request);
}

static void
send_collected(struct otlp_exporter *exporter)
{
	struct batch empty = exporter->sending;

	buf_text(&exporter->collecting.text, otlp_spans_batch_end);
	exporter->sending = exporter->collecting;
	exporter->collecting = empty;
	begin_post(exporter);
}

static void
count_batch(struct otlp_exporter *exporter, atomic_ullong *counter)
{
	atomic_fetch_add(counter, exporter->sending.spans);
	buf_reset(&exporter->sending.text);
	exporter->sending.spans = 0;
	exporter->attempts = 0;
}

/* These statuses are those of OTLP/HTTP: https://opentelemetry.io/docs/specs/otlp/#failures-1 */
static bool
may_succeed_later(long status)
{
	return status == 408 || status == 429 || status == 502 || status == 503 || status == 504;
}

static void
on_post_failure(struct otlp_exporter *exporter, bool later, const struct error *err)
{
	int64_t pause_ms = (int64_t)RETRY_MS << exporter->attempts;

	if (!exporter->failing)
		log_printf(LOG_WARNING, "spans not sent", "%s: %s", exporter->settings->otlp_url,
		           err->message);
	exporter->failing = true;
	if (!later || exporter->attempts == ATTEMPTS_MAX)
		count_batch(exporter, &board->spans_failed);
	else
		exporter->retry = deadline_in_ms(clock_jitter_ms(pause_ms));
}

static void
on_post_end(struct otlp_exporter *exporter, enum http_client_state state, long status,
            struct error *err)
{
	bool answered = state == HTTP_CLIENT_ANSWERED;

	if (answered && status >= 200 && status < 300) {
		if (exporter->failing)
			log_plain(LOG_INFO, "spans sent again");
		exporter->failing = false;
		count_batch(exporter, &board->spans_sent);
		return;
	}
	if (answered)
		error_fill(err, FAILURE_UNAVAILABLE, "it answered with %ld", status);
	on_post_failure(exporter, !answered || may_succeed_later(status), err);
}

static bool
is_due(const struct otlp_exporter *exporter)
{
	return exporter->collecting.spans > 0
	       && (exporter->closed || is_full(&exporter->collecting)
	           || deadline_passed(exporter->due));
}

/* Begins a POST if one is due. Returns how long to wait for events. */
static int
begin_due_post(struct otlp_exporter *exporter, enum http_client_state state)
{
	struct deadline next = exporter->end;

	if (state == HTTP_CLIENT_GOING)
		return deadline_left_ms(next);
	if (exporter->attempts > 0) {
		if (deadline_passed(exporter->retry)) {
			begin_post(exporter);
			return 0;
		}
		next = deadline_sooner(next, exporter->retry);
	} else if (is_due(exporter)) {
		send_collected(exporter);
		return 0;
	} else if (exporter->collecting.spans > 0) {
		next = deadline_sooner(next, exporter->due);
	}
	return deadline_left_ms(next);
}

/* --- the process --- */

/* SIGTERM: the master has ended or wants this process to end. A worker may still be answering a
 * request. */
static void
read_signal(struct otlp_exporter *exporter)
{
	struct signalfd_siginfo info;

	if (read(exporter->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)
	    && info.ssi_signo == SIGTERM && exporter->end.at_us == INT64_MAX)
		exporter->end = deadline_in_ms(exporter->settings->request_timeout_s * 1000
		                               + LAST_BATCH_MS);
}

static bool
has_ended(const struct otlp_exporter *exporter)
{
	return deadline_passed(exporter->end)
	       || (exporter->closed && exporter->collecting.spans == 0 && exporter->attempts == 0);
}

static void
export_until_end(struct otlp_exporter *exporter)
{
	enum http_client_state state = HTTP_CLIENT_IDLE;

	while (!has_ended(exporter)) {
		int fds[] = { exporter->signals, exporter->messages };
		int wait_ms = begin_due_post(exporter, state);
		/* A socket that is closed, or not read now, would be ready all the time. */
		size_t count = exporter->closed || is_full(&exporter->collecting) ? 1 : 2;
		struct error err;
		long status;

		state = http_client_step(exporter->client, fds, count, wait_ms, &status, &err);
		if (state == HTTP_CLIENT_ANSWERED || state == HTTP_CLIENT_FAILED)
			on_post_end(exporter, state, status, &err);
		read_signal(exporter);
		read_messages(exporter);
	}
	atomic_fetch_add(&board->spans_failed,
	                 exporter->collecting.spans + exporter->sending.spans);
}

int
otlp_export_run(const struct settings *settings, int fd)
{
	struct otlp_exporter *exporter = mem_new(mem_process(), struct otlp_exporter);
	struct error err;
	sigset_t end;

	(void)sigemptyset(&end);
	(void)sigaddset(&end, SIGTERM);
	*exporter = (struct otlp_exporter){ .settings = settings,
		                            .messages = fd,
		                            .signals = signalfd(-1, &end,
		                                                SFD_CLOEXEC | SFD_NONBLOCK),
		                            .end = { INT64_MAX },
		                            .request = {
		                                .url = settings->otlp_url,
		                                .headers = settings->otlp_header,
		                                .timeout_ms = settings->otlp_timeout_ms,
		                                .user_agent = user_agent,
		                            } };
	buf_init(&exporter->collecting.text, exporter, BATCH_MAX_BYTES);
	buf_init(&exporter->sending.text, exporter, BATCH_MAX_BYTES);
	if (!http_client_open(exporter, &exporter->client, &err)) {
		log_printf(LOG_ERROR, "spans cannot be sent", "%s", err.message);
		return EXIT_UNAVAILABLE;
	}
	export_until_end(exporter);
	return EXIT_DONE;
}
