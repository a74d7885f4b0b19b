#include "observe/otlp_export.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/spans.h"
#include "base/clock.h"
#include "base/exit_code.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "observe/http_post.h"
#include "observe/scoreboard.h"

/* As the batch span processor of OpenTelemetry's SDKs: so many at a time, after so long at most;
 * theirs waits for 5 s. */
#define BATCH_SPANS     512
#define BATCH_MS        1000
#define BATCH_MAX_BYTES (1 << 20)
/* Full jitter up to this, doubled each time. */
#define AGAIN_MS  1000
#define TRIES_MAX 5
/* What comes last is worth so much of a shutdown's time. */
#define LAST_MS 2000

struct batch {
	struct buf text; /* "" or the whole request but for its end */
	size_t spans;
};

struct sender {
	const struct settings *settings;
	int fd, signals;
	struct http_post *post;
	struct batch waiting, leaving;
	struct deadline due;   /* of what waits */
	struct deadline again; /* of what is leaving, and could not */
	int tries;             /* of what is leaving; 0: nothing is */
	bool failing;          /* the last POST failed, which was logged */
	bool over;             /* nobody writes any more */
	struct deadline end;
};

/* --- batches --- */

static const char batch_end[] = "]}]}]}";

static void
resource_text(struct buf *out, const char *key, const char *text)
{
	buf_text(out, text_ends(out->data, "[") ? "{\"key\":" : ",{\"key\":");
	buf_json_text(out, key);
	buf_text(out, ",\"value\":{\"stringValue\":");
	buf_json_text(out, text);
	buf_text(out, "}}");
}

static void
begin_batch(const struct settings *settings, struct buf *out)
{
	buf_text(out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
	for (size_t i = 0; i < settings->otel_attribute_count; i++)
		resource_text(out, settings->otel_attribute[i].key,
		              settings->otel_attribute[i].value);
	buf_text(out,
	         "]},\"scopeSpans\":[{\"scope\":{\"name\":\"nullpool\",\"version\":\"" NP_VERSION
	         "\"},\"spans\":[");
}

static bool
is_full(const struct batch *batch)
{
	return batch->spans >= BATCH_SPANS
	       || batch->text.size + SPANS_MAX_BYTES + 64 > BATCH_MAX_BYTES;
}

/* Spans are told from each other by what each has once. */
static size_t
count_spans(const char *text)
{
	static const char mark[] = "\"spanId\":";
	size_t count = 0;

	for (; (text = strstr(text, mark)) != NULL; text += sizeof(mark) - 1)
		count++;
	return count;
}

static void
add_message(struct sender *sender, const char *message, size_t size)
{
	struct batch *batch = &sender->waiting;

	if (batch->text.size == 0) {
		begin_batch(sender->settings, &batch->text);
		sender->due = deadline_in_ms(BATCH_MS);
	} else {
		buf_char(&batch->text, ',');
	}
	buf_add(&batch->text, message, size);
	batch->spans += count_spans(message);
}

/* Takes what has come, as long as there is room for it: the rest stays where it is, and then
 * workers drop theirs. */
static void
take(struct sender *sender)
{
	static char message[SPANS_MAX_BYTES + 1];

	while (!sender->over && !is_full(&sender->waiting)) {
		ssize_t size = recv(sender->fd, message, sizeof(message) - 1, MSG_DONTWAIT);

		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (size <= 0) {
			sender->over = true;
			sender->end = deadline_in_ms(LAST_MS);
			return;
		}
		message[size] = '\0';
		add_message(sender, message, (size_t)size);
	}
}

/* --- sending --- */

static void
begin_post(struct sender *sender)
{
	sender->tries++;
	http_post_begin(sender->post, sender->leaving.text.data, sender->leaving.text.size);
}

static void
leave(struct sender *sender)
{
	struct batch empty = sender->leaving;

	buf_text(&sender->waiting.text, batch_end);
	sender->leaving = sender->waiting;
	sender->waiting = empty;
	begin_post(sender);
}

static void
settle(struct sender *sender, atomic_ullong *counter)
{
	atomic_fetch_add(counter, sender->leaving.spans);
	buf_reset(&sender->leaving.text);
	sender->leaving.spans = 0;
	sender->tries = 0;
}

static void
failed(struct sender *sender, enum http_post_state state, const struct error *err)
{
	int64_t pause_ms = (int64_t)AGAIN_MS << sender->tries;

	if (!sender->failing)
		log_printf(LOG_WARNING, "spans not sent", "%s: %s", sender->settings->otlp_url,
		           err->message);
	sender->failing = true;
	if (state == HTTP_POST_REFUSED || sender->tries == TRIES_MAX)
		settle(sender, &board->spans_failed);
	else
		sender->again = deadline_in_ms(clock_jitter_ms(pause_ms));
}

static void
ended(struct sender *sender, enum http_post_state state, const struct error *err)
{
	if (state != HTTP_POST_DONE) {
		failed(sender, state, err);
		return;
	}
	if (sender->failing)
		log_plain(LOG_INFO, "spans sent again");
	sender->failing = false;
	settle(sender, &board->spans_sent);
}

static bool
is_due(const struct sender *sender)
{
	return sender->waiting.spans > 0
	       && (sender->over || is_full(&sender->waiting) || deadline_passed(sender->due));
}

/* Begins what can be begun; how long there is nothing else to do. */
static int
next_ms(struct sender *sender, enum http_post_state state)
{
	struct deadline next = sender->end;

	if (state == HTTP_POST_GOING)
		return deadline_left_ms(next);
	if (sender->tries > 0) {
		if (deadline_passed(sender->again)) {
			begin_post(sender);
			return 0;
		}
		next = deadline_sooner(next, sender->again);
	} else if (is_due(sender)) {
		leave(sender);
		return 0;
	} else if (sender->waiting.spans > 0) {
		next = deadline_sooner(next, sender->due);
	}
	return deadline_left_ms(next);
}

/* The master has ended or asks; a worker may still have a request in hand. */
static void
take_signal(struct sender *sender)
{
	struct signalfd_siginfo info;

	if (read(sender->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)
	    && info.ssi_signo == SIGTERM && sender->end.at_us == INT64_MAX)
		sender->end = deadline_in_ms(sender->settings->request_timeout_s * 1000 + LAST_MS);
}

static void
pass_on(struct sender *sender)
{
	enum http_post_state state = HTTP_POST_IDLE;

	while (!deadline_passed(sender->end)
	       && !(sender->over && sender->waiting.spans == 0 && sender->tries == 0)) {
		int fds[] = { sender->signals, sender->fd }, wait_ms = next_ms(sender, state);
		struct error err;
		/* A closed end, or one that is not to be read now, would be ready all the time. */
		size_t count = sender->over || is_full(&sender->waiting) ? 1 : 2;

		state = http_post_step(sender->post, fds, count, wait_ms, &err);
		if (state == HTTP_POST_DONE || state == HTTP_POST_LATER
		    || state == HTTP_POST_REFUSED)
			ended(sender, state, &err);
		take_signal(sender);
		take(sender);
	}
	/* What is left had its time. */
	atomic_fetch_add(&board->spans_failed, sender->waiting.spans + sender->leaving.spans);
}

int
otlp_export_run(const struct settings *settings, int fd)
{
	struct sender *sender = mem_new(mem_process(), struct sender);
	const struct http_post_options options = {
		.url = settings->otlp_url,
		.headers = settings->otlp_header,
		.timeout_ms = settings->otlp_timeout_ms,
	};
	struct error err;
	sigset_t end;

	(void)sigemptyset(&end);
	(void)sigaddset(&end, SIGTERM);
	*sender = (struct sender){ .settings = settings,
		                   .fd = fd,
		                   .signals = signalfd(-1, &end, SFD_CLOEXEC | SFD_NONBLOCK),
		                   .end = { INT64_MAX } };
	buf_init(&sender->waiting.text, sender, BATCH_MAX_BYTES);
	buf_init(&sender->leaving.text, sender, BATCH_MAX_BYTES);
	if (!http_post_open(sender, &options, &sender->post, &err)) {
		log_printf(LOG_ERROR, "spans cannot be sent", "%s", err.message);
		return EXIT_UNAVAILABLE;
	}
	pass_on(sender);
	return EXIT_DONE;
}
