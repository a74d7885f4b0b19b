/* fcgi - the accept path from end to end: bytes on a socket, libfcgi, our parsing, routes without a
 * database, the reply
 *
 * The answer is empty, or well-formed records that contain one whole reply. Each request writes one
 * log line.
 *
 * Input: one byte, then the rest. If the byte is even, the rest is records as they are. If it is
 * odd, the rest is NAME=value lines, an empty line and the body, from which this target makes
 * records. So inputs reach both the framing and its content.
 *
 * A length of 0x7ffffffe in PARAMS or GET_VALUES makes libfcgi ask for 2 GiB, and abort if it gets
 * none. No such record gets past the gate (fcgi_gate.h), which sees all of an input here. libfcgi
 * 2.4.2 leaks 48 bytes for a management record that is not a complete GET_VALUES; this target does
 * not count them as a leak of ours.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "app/ctx.h"
#include "http/pattern.h"
#include "lines.h"
#include "observe/counters.h"
#include "observe/metrics.h"
#include "observe/scoreboard.h"
#include "serve/fcgi.h"

#define RECORD_HEAD  8
#define LEAKED_BYTES 48
#define GROWTH_BYTES 4096 /* less than the buffers of one request in libfcgi */
#define ANSWER_MAX   (1 << 20)

enum {
	BEGIN = 1,
	ABORT,
	END,
	PARAMS,
	STDIN,
	STDOUT,
	STDERR,
	DATA,
	GET_VALUES,
	GET_VALUES_RESULT,
	UNKNOWN_TYPE
};

/* A function of a sanitizer's run-time library. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libfcgi.so";
}

static size_t
bytes_in_use(void)
{
	return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
	                                               : 0;
}

/* --- a program --- */

static const struct np_param id = { .name = "id", .in = NP_IN_PATH, .type = NP_TYPE_UUID };
static const struct np_param title = { .name = "title",
	                               .in = NP_IN_BODY,
	                               .type = NP_TYPE_STRING,
	                               .required = true,
	                               .min = 1,
	                               .max = 20 };
static const struct np_param due = {
	.name = "due", .in = NP_IN_BODY, .type = NP_TYPE_DATETIME, .nullable = true
};
static const struct np_param tags = {
	.name = "tags", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .max_items = 3
};
static const struct np_param rating = {
	.name = "rating", .in = NP_IN_BODY, .type = NP_TYPE_FLOAT, .default_value = "1.5"
};
static const struct np_param meta = { .name = "meta", .in = NP_IN_BODY, .type = NP_TYPE_JSON };
static const struct np_param owner_email = { .name = "owner.email",
	                                     .in = NP_IN_BODY,
	                                     .type = NP_TYPE_EMAIL };
#define NOTE NP_PARAMS(&id, &title, &due, &tags, &rating, &meta, &owner_email)
/* np_header() refuses control bytes; a value with one would be the handler's fault. */
static const char agent_pattern[] = "[^[:cntrl:]]*";
static const struct np_param limit = { NP_PAGE_LIMIT };
static const struct np_param after = { NP_PAGE_AFTER };
static const struct np_param sort_of = {
	.name = "kind", .in = NP_IN_QUERY, .type = NP_TYPE_ENUM, .choices = NP_NAMES("a", "b")
};
static const struct np_param x_agent = { .name = "x-agent",
	                                 .in = NP_IN_HEADER,
	                                 .type = NP_TYPE_STRING,
	                                 .max = 30,
	                                 .pattern = agent_pattern };
#define LIST NP_PARAMS(&limit, &after, &sort_of, &x_agent)
static const struct np_param form_name = {
	.name = "name", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .required = true
};
static const struct np_param form_count = { .name = "count",
	                                    .in = NP_IN_BODY,
	                                    .type = NP_TYPE_INT };

static const struct np_param number = { .name = "id", .in = NP_IN_PATH, .type = NP_TYPE_INT };
static const struct np_param other = { .name = "other", .in = NP_IN_PATH, .type = NP_TYPE_STRING };

/* Every route that it serves has two parameters at least. */
static bool
echo(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK,
	                       NP_OBJECT({ "first", np_arg(ctx, ctx->route->params->items[0]) },
	                                 { "second", np_arg(ctx, ctx->route->params->items[1]) }));
}

/* Puts a value from the client into a response header. */
static bool
reflect(struct np_ctx *ctx)
{
	struct np_value text = np_arg(ctx, &x_agent);

	return np_header(ctx, "X-Agent", "%s", text.text ? text.text : "") && echo(ctx);
}

static const struct np_route routes[] = {
	{ .method = "GET", .path = "/", .handle = np_health_live, .tx = NP_TX_NONE },
	{ .method = "GET", .path = "/notes", .handle = reflect, .tx = NP_TX_NONE, .params = LIST },
	{ .method = "POST",
	  .path = "/notes",
	  .handle = echo,
	  .tx = NP_TX_NONE,
	  .params = NP_PARAMS(&form_name, &form_count),
	  .form = true },
	{ .method = "PUT",
	  .path = "/notes/{id}",
	  .handle = echo,
	  .tx = NP_TX_NONE,
	  .params = NOTE },
	{ .method = "DELETE",
	  .path = "/notes/{id}/{other}",
	  .handle = echo,
	  .tx = NP_TX_NONE,
	  .params = NP_PARAMS(&number, &other) },
	{ .method = "GET",
	  .path = "/mine",
	  .handle = echo,
	  .tx = NP_TX_NONE,
	  .params = LIST,
	  .auth = NP_AUTH_USER },
	{ .method = "GET", .path = "/metrics", .handle = np_metrics, .tx = NP_TX_NONE },
};

static const struct route_table table = { routes, COUNT_OF(routes) };

/* There is no server behind these settings, and no route here needs one. */
static char url[] = "DATABASE_URL=postgresql://u@%2Fnonexistent/d",
            key[] = "SECRET_KEY=0123456789abcdef0123456789abcdef",
            file[] = "NULLPOOL_ENV_FILE=/dev/null";
static char *const environment[] = { url, key, file, NULL };

static struct app *
the_app(void)
{
	static struct settings settings;
	static struct app app;
	static bool ready;
	const struct scoreboard_plan plan = {
		.name = "fuzz", .routes = &table, .pool_size = 1, .slots = 1
	};
	struct error err;
	struct buf faults;

	if (ready)
		return &app;
	buf_init(&faults, mem_process(), 4096);
	HOLDS(settings_read(mem_process(), environment, NULL, &settings, &faults));
	/* As the check of the route table does. The process keeps the compiled pattern. */
	HOLDS(!pattern_compile(agent_pattern) && pattern_matches(agent_pattern, "curl/8"));
	HOLDS(scoreboard_create(NULL, &plan, &err));
	/* The process keeps its automaton too. */
	HOLDS(pattern_matches(agent_pattern, "curl/8 a") && !pattern_matches(agent_pattern, "a\n"));
	HOLDS(app_init(mem_process(), &app, "fuzz", &table, &settings, &err));
	HOLDS(fcgi_init(&err));
	app.record_request = counters_record_request;
	metrics_set_directory("tests/fuzz"); /* no endpoint runs there */
	log_set_format(LOG_JSON);
	log_setup("fuzz", LOG_DEBUG);
	ready = true;
	return &app;
}

/* --- the request --- */

static void
add_record(struct buf *out, int kind, const char *content, size_t size)
{
	do {
		size_t piece = size < 0xffff ? size : 0xffff;
		const char head[8] = {
			1, (char)kind, 0, 1, (char)(piece >> 8), (char)(piece & 0xff)
		};

		buf_add(out, head, sizeof(head));
		buf_add(out, content, piece);
		content += piece;
		size -= piece;
	} while (size > 0);
}

static void
add_length(struct buf *out, size_t size)
{
	if (size < 128) {
		buf_char(out, (char)size);
		return;
	}
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_char(out, (char)((size >> shift & 0xff) | (shift == 24 ? 0x80 : 0)));
}

static void
add_pair(struct buf *out, const char *line)
{
	size_t name = strcspn(line, "="), value = line[name] ? strlen(line + name + 1) : 0;

	add_length(out, name);
	add_length(out, value);
	buf_add(out, line, name);
	buf_add(out, line + name + 1, value);
}

/* Adds the Content-Length of the body if the input has none. Of two methods, the first one sets
 * *is_head. */
static void
add_request(void *owner, struct buf *out, struct input *in, bool *is_head)
{
	static const char begin[8] = { 0, 1 };
	bool has_length = false, has_method = false;
	const char *line;
	struct buf params;

	buf_init(&params, owner, 1 << 20);
	while (in->left > 0 && *(line = input_text(owner, in, '\n'))) {
		has_length = has_length || text_starts(line, "CONTENT_LENGTH=");
		*is_head = *is_head || (!has_method && strcmp(line, "REQUEST_METHOD=HEAD") == 0);
		has_method = has_method || text_starts(line, "REQUEST_METHOD=");
		add_pair(&params, line);
	}
	if (!has_length)
		add_pair(&params, mem_printf(owner, "CONTENT_LENGTH=%zu", in->left));
	add_record(out, BEGIN, begin, sizeof(begin));
	add_record(out, PARAMS, params.data, params.size);
	add_record(out, PARAMS, "", 0);
	if (in->left > 0)
		add_record(out, STDIN, (const char *)in->at, in->left);
	add_record(out, STDIN, "", 0);
}

/* Adds the input's records unchanged. */
static void
add_records(struct buf *out, struct input *in)
{
	buf_add(out, (const char *)in->at, in->left);
	in->left = 0;
}

/* --- the answer --- */

/* Collects the content of STDOUT records. *ended: END_REQUEST was the last record. libfcgi
 * refuses a second request on the connection with an END_REQUEST of its own, whose status is not
 * FCGI_REQUEST_COMPLETE (0). */
static void
read_records(const struct buf *bytes, struct buf *out, bool *ended)
{
	const unsigned char *at = (const unsigned char *)bytes->data;
	size_t left = bytes->size;

	*ended = false;
	while (left > 0) {
		size_t content, whole;

		HOLDS(left >= 8 && at[0] == 1);
		content = (size_t)at[4] << 8 | at[5];
		whole = 8 + content + at[6];
		HOLDS(whole <= left && !*ended);
		if (at[1] == STDOUT)
			buf_add(out, (const char *)at + 8, content);
		else
			HOLDS((at[1] == END && content == 8) || (at[1] == STDERR && content == 0)
			      || at[1] == GET_VALUES_RESULT
			      || (at[1] == UNKNOWN_TYPE && content == 8));
		*ended = at[1] == END && at[12] == 0;
		at += whole;
		left -= whole;
	}
}

static void
check_header(const char *line)
{
	const char *colon = strstr(line, ": ");

	HOLDS(colon && colon > line && !has_control(line));
	for (; line < colon; line++)
		HOLDS(text_is_alnum(*line) || *line == '-');
}

/* Checks an answer in the form of CGI: the body is as long as its header says, and is JSON except
 * for /metrics. */
static void
check_answer(void *owner, struct buf *out, bool is_head)
{
	char *end = strstr(out->data, "\r\n\r\n"), *at = out->data, *line;
	const char *type = NULL;
	int64_t status, length = -1;
	size_t body;
	bool valid;

	HOLDS(end != NULL);
	body = out->size - (size_t)(end + 4 - out->data);
	end[2] = '\0';
	for (bool first = true; *at; first = false) {
		line = at;
		at = strstr(at, "\r\n");
		HOLDS(at != NULL);
		*at = '\0';
		at += 2;
		check_header(line);
		HOLDS(first == text_starts(line, "Status: "));
		if (first)
			HOLDS(parse_int(mem_strndup(owner, line + 8, 3), &status) && status >= 200
			      && status < 600);
		if (text_starts(line, "Content-Length: "))
			HOLDS(parse_int(line + 16, &length));
		if (text_starts(line, "Content-Type: "))
			type = line + 14;
	}
	/* This is a bug of nullpool; the log line says which. */
	if (status == 500)
		(void)fputs(lines.last, stderr);
	HOLDS(status != 500);
	if (status == 204 || status == 304) {
		HOLDS(length < 0 && body == 0);
		return;
	}
	/* The reply to HEAD has the length of the body that GET would get. The method in the
	 * input's own records is not known. */
	HOLDS(is_head ? body == 0 && length > 0 : length == (int64_t)body || body == 0);
	HOLDS(type && text_starts(type, "application/problem+json") == (status >= 400));
	if (body > 0 && strstr(type, "json")) {
		(void)json_object_put(json_read(end + 4, body, &valid));
		HOLDS(valid);
	} else if (body > 0) {
		HOLDS(text_starts(end + 4, "# HELP nullpool_") && out->data[out->size - 1] == '\n');
	}
}

static void
receive(int fd, struct buf *bytes)
{
	char piece[8192];
	ssize_t got;

	while ((got = read(fd, piece, sizeof(piece))) > 0 || (got < 0 && errno == EINTR))
		buf_add(bytes, piece, got > 0 ? (size_t)got : 0);
	HOLDS(!bytes->overflow);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	struct app *app = the_app();
	struct buf sent, bytes, out;
	static size_t answered;
	size_t before;
	bool ended, is_head = false;
	int fds[2];

	buf_init(&sent, owner, 1 << 20);
	buf_init(&bytes, owner, ANSWER_MAX);
	buf_init(&out, owner, ANSWER_MAX);
	if (input_byte(&in) & 1)
		add_request(owner, &sent, &in, &is_head);
	else
		add_records(&sent, &in);
	/* It must fit into the socket's buffer, because nothing reads while this writes. */
	if (sent.size <= 65536) {
		HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
		HOLDS(sent.size == 0 || write(fds[0], sent.data, sent.size) == (ssize_t)sent.size);
		(void)shutdown(fds[0], SHUT_WR);
		lines.count = 0;
		before = bytes_in_use();
		fcgi_answer(app, fds[1], deadline_in_ms(60000));
		/* The first requests allocate memory that the process keeps. */
		HOLDS(answered++ < 20
		      || bytes_in_use()
		             <= before + GROWTH_BYTES + sent.size / RECORD_HEAD * LEAKED_BYTES);
		HOLDS(lines.count >= 1);
		receive(fds[0], &bytes);
		(void)close(fds[0]);
		read_records(&bytes, &out, &ended);
		HOLDS((out.size > 0) == ended);
		if (out.size > 0)
			check_answer(owner, &out, is_head);
	}
	mem_free(owner);
	return 0;
}
