#include <unistd.h>

#include "app/exchange.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "serve/cgi.h"

#define HEADERS_MAX 100
/* All names and values together; nginx accepts 32 KiB (nginx/limits.conf). */
#define HEADERS_MAX_BYTES 65536
#define ID_MAX_BYTES      64
#define ID_RANDOM_BYTES   16
#define TARGET_MAX_BYTES  16384

const char *
cgi_variable(char *const *environment, const char *name)
{
	size_t size = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=')
			return *environment + size + 1;
	return NULL;
}

static const char *
variable_or(char *const *environment, const char *name, const char *default_value)
{
	const char *value = cgi_variable(environment, name);

	return value && *value ? value : default_value;
}

const char *
cgi_new_id(void *owner)
{
	char *id = mem_resize(owner, NULL, 2 * ID_RANDOM_BYTES + 1);

	random_hex(ID_RANDOM_BYTES, id);
	return id;
}

/* The id reaches the log, the reply and the database's application_name, so it is only accepted if
 * it is harmless. */
static bool
is_request_id(const char *id)
{
	size_t size = 0;

	while (text_is_alnum(id[size]) || id[size] == '-')
		size++;
	return size > 0 && size <= ID_MAX_BYTES && !id[size];
}

/* REQUEST_URI is what the client sent. Servers without it pass decoded parts. Encoding those again
 * makes one decoding right for both. */
static const char *
request_target(void *owner, char *const *environment)
{
	const char *raw = cgi_variable(environment, "REQUEST_URI"),
	           *query = variable_or(environment, "QUERY_STRING", "");
	struct buf target;

	if (raw && *raw)
		return mem_strdup(owner, raw);
	buf_init(&target, owner, TARGET_MAX_BYTES);
	buf_percent(&target, variable_or(environment, "SCRIPT_NAME", ""), "/");
	buf_percent(&target, variable_or(environment, "PATH_INFO", ""), "/");
	if (target.size == 0)
		buf_char(&target, '/');
	if (*query)
		buf_printf(&target, "?%s", query);
	return target.data;
}

/* Turns USER_AGENT into user-agent. */
static char *
header_name(void *owner, const char *variable, size_t size)
{
	char *name = mem_strndup(owner, variable, size);

	for (char *c = name; *c; c++)
		*c = *c == '_' ? '-' : text_lower(*c);
	return name;
}

/* nginx leaves tabs there. */
static char *
header_value(void *owner, const char *text)
{
	size_t size = strlen(text);

	text = text_strip(text, &size);
	return mem_strndup(owner, text, size);
}

struct headers {
	struct request_header items[HEADERS_MAX + 1];
	char *values[HEADERS_MAX + 1];
	size_t count;
	size_t bytes; /* of all names and values */
};

/* Two headers with one name are one header (RFC 9110 5.3). nginx joins them since 1.23. Otherwise
 * the first would win, and of two idempotency keys one would be lost. */
static void
add_header(struct headers *headers, char *name, char *value)
{
	size_t i = 0;

	while (i < headers->count && strcmp(headers->items[i].name, name) != 0)
		i++;
	if (i < headers->count) {
		const char *between = strcmp(name, "cookie") == 0 ? "; " : ", ";
		char *both = mem_printf(headers, "%s%s%s", headers->values[i], between, value);

		mem_free(name);
		mem_free(value);
		mem_free(headers->values[i]);
		value = both;
	} else {
		headers->items[headers->count++].name = name;
	}
	headers->values[i] = value;
	headers->items[i].value = value;
}

/* Adds a variable of the environment, if it is a header. */
static void
read_header(struct headers *headers, const char *variable)
{
	const char *name = variable + 5, *equals = strchr(variable, '=');

	/* CONTENT_TYPE has the type of the body. */
	if (!text_starts(variable, "HTTP_") || !equals || equals == name
	    || text_starts(name, "CONTENT_TYPE="))
		return;
	headers->bytes += strlen(name);
	if (headers->bytes <= HEADERS_MAX_BYTES)
		add_header(headers, header_name(headers, name, (size_t)(equals - name)),
		           header_value(headers, equals + 1));
}

/* A header that does not fit is not left out: it could be the idempotency key that keeps a write
 * from being done twice. */
static bool
read_headers(void *owner, char *const *environment, struct request *request, struct error *err)
{
	struct headers *headers = mem_new(owner, struct headers);
	const char *type = cgi_variable(environment, "CONTENT_TYPE");

	if (type && *type)
		add_header(headers, mem_strdup(headers, "content-type"),
		           header_value(headers, type));
	for (; *environment && headers->count <= HEADERS_MAX; environment++)
		read_header(headers, *environment);
	if (headers->count > HEADERS_MAX)
		return error_set(err, FAILURE_MALFORMED, "The request has more than %d headers",
		                 HEADERS_MAX);
	if (headers->bytes > HEADERS_MAX_BYTES)
		return error_set(err, FAILURE_MALFORMED,
		                 "The request's headers have more than %d bytes",
		                 HEADERS_MAX_BYTES);
	request->headers = headers->items;
	request->header_count = headers->count;
	return true;
}

static bool
read_body(void *owner, const char *length, const struct cgi_body *from, struct request *request,
          struct error *err)
{
	int64_t size;
	char *body;
	size_t got;

	if (!parse_int(header_value(owner, length), &size) || size < 0)
		return error_set(err, FAILURE_MALFORMED, "Content-Length is not a number");
	if ((uint64_t)size > from->max)
		return request_body_too_large(err, from->max);
	body = mem_resize(owner, NULL, (size_t)size + 1);
	got = size > 0 ? from->read(from->source, body, (size_t)size) : 0;
	if (got != (size_t)size)
		return error_set(err, FAILURE_MALFORMED,
		                 "The body is shorter than its Content-Length");
	body[got] = '\0';
	request->body = body;
	request->body_size = got;
	return true;
}

bool
cgi_request(void *owner, char *const *environment, const struct cgi_body *body,
            struct request *request, struct error *err)
{
	const char *id = variable_or(environment, "REQUEST_ID", ""),
	           *address = cgi_variable(environment, "REMOTE_ADDR"),
	           *protocol = variable_or(environment, "SERVER_PROTOCOL", "");

	/* Copies: libfcgi's environment ends with END_REQUEST, and the request lives until its log
	 * line, after that. */
	*request = (struct request){ .body = "", .start_us = clock_now_us(), .queue_ms = -1 };
	request->method = mem_strdup(owner, variable_or(environment, "REQUEST_METHOD", ""));
	request->id = is_request_id(id) ? mem_strdup(owner, id) : cgi_new_id(owner);
	request->is_old_http = !text_starts(protocol, "HTTP/") || strcmp(protocol, "HTTP/1.0") == 0
	                       || strcmp(protocol, "HTTP/0.9") == 0;
	request->address = address && *address ? mem_strdup(owner, address) : NULL;
	request->target = request_target(owner, environment);
	if (!*request->method)
		return error_set(err, FAILURE_MALFORMED, "The request has no method");
	return read_headers(owner, environment, request, err)
	       && read_body(owner, variable_or(environment, "CONTENT_LENGTH", "0"), body, request,
	                    err);
}

static size_t
read_stdin(void *unused, char *bytes, size_t size)
{
	(void)unused;
	return fread(bytes, 1, size, stdin);
}

static bool
print_bytes(const struct buf *bytes)
{
	return fwrite(bytes->data, 1, bytes->size, stdout) == bytes->size;
}

bool
cgi_print(void *scope, struct np_ctx *ctx, const char *before_status, const char *after_body)
{
	const struct reply *reply = exchange_reply(ctx);
	struct buf head;
	bool whole;

	buf_init(&head, scope, REPLY_HEAD_MAX_BYTES);
	reply_write_head(reply, before_status, &head);
	whole = print_bytes(&head);
	if (!reply->without_body && reply->body.size > 0) {
		whole = print_bytes(&reply->body) && whole;
		while (whole && exchange_goes_on(ctx))
			whole = exchange_continue(ctx) && print_bytes(&reply->body);
		whole = fputs(after_body, stdout) >= 0 && whole;
	}
	/* What did not fit has left the buffer too, so that fflush() succeeds does not tell. */
	if (fflush(stdout) == 0 && whole)
		return true;
	log_plain(LOG_WARNING, "reply not sent");
	return false;
}

int
cgi_run(struct app *app)
{
	struct deadline deadline = deadline_in_ms(app->settings->request_timeout_s * 1000);
	const struct cgi_body body = { read_stdin, NULL, route_table_body_max(app->routes) };
	void *scope = mem_scope(mem_process(), "cgi");
	struct request request;
	struct np_ctx *ctx;
	struct error err;

	if (cgi_request(scope, environ, &body, &request, &err))
		ctx = exchange_begin(scope, app, &request, deadline);
	else
		ctx = exchange_refuse(scope, app, &request, &err);
	(void)cgi_print(scope, ctx, "Status:", "");
	exchange_end(ctx);
	mem_free(scope);
	return 0;
}
