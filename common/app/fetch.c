#include "app/fetch.h"

#include "app/ctx.h"
#include "app/identify.h"
#include "app/spans.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/misuse.h"
#include "base/public_address.h"
#include "base/resolve.h"
#include "base/text.h"
#include "http/client.h"

#define BODY_MAX_BYTES    ((int64_t)1 << 20)
#define BODY_LIMIT_BYTES  ((int64_t)64 << 20)
#define HEADERS_MAX_BYTES 32768
#define HEADERS_MAX       32

static const char user_agent[] = "nullpool/" NP_VERSION;

bool
fetch_is_used(const struct route_table *routes)
{
	for (size_t i = 0; i < routes->count; i++)
		if (routes->items[i].fetches)
			return true;
	return false;
}

/* --- the rules --- */

static bool
is_safe_method(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static bool
is_known_method(const char *method)
{
	static const char *const known[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" };

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (strcmp(known[i], method) == 0)
			return true;
	return false;
}

/* What is sent twice may be done twice. */
static bool
may_run_again(const struct np_ctx *ctx)
{
	return !ctx->is_guarding && !ctx->route->no_rerun
	       && (ctx->route->tx == NP_TX_READ || ctx->route->tx == NP_TX_WRITE);
}

static void
check_use(const struct np_ctx *ctx, const struct np_fetch *wanted, const char *method)
{
	if (!ctx->route->fetches)
		misuse_note("np_fetch() in a route without .fetches");
	if (!wanted->url)
		misuse_note("np_fetch() without a URL");
	if (!is_known_method(method))
		misuse_note("np_fetch() with the method \"%s\"", method);
	if (wanted->body.size > 0 && is_safe_method(method))
		misuse_note("np_fetch() of a GET or HEAD with a body");
	if (wanted->max_bytes < 0 || wanted->max_bytes > BODY_LIMIT_BYTES)
		misuse_note("np_fetch() of a response of more than 64 MiB");
	if (wanted->content_type && !text_is_header_value(wanted->content_type))
		misuse_note("np_fetch() with a content type that it cannot send");
	/* A precondition has opened it, not the handler. */
	if (ctx->tx && transaction_is_open(ctx->tx) && !wanted->in_transaction && !ctx->get
	    && !ctx->asked_first)
		misuse_note("np_fetch() while a transaction is open: it would hold its locks, and"
		            " its connection, until the other service answers");
	if (!is_safe_method(method) && may_run_again(ctx))
		misuse_note("np_fetch() with %s in a route that may be run again: it needs"
		            " .no_rerun",
		            method);
}

/* --- the request --- */

static bool
is_ours(const char *name)
{
	static const char *const ours[] = { "Host",       "Content-Length", "Content-Type",
		                            "Connection", "Expect",         "Transfer-Encoding",
		                            "User-Agent", "Traceparent" };

	for (size_t i = 0; i < COUNT_OF(ours); i++)
		if (text_equal_nocase(ours[i], name))
			return true;
	return false;
}

/* Returns the header as a line, or NULL if it is none that may be sent. */
static const char *
header_line(struct np_ctx *ctx, const struct np_member *header)
{
	const char *value = np_text_of(ctx, header->value);
	size_t size = 0;

	if (!header->name || !value || is_ours(header->name))
		return NULL;
	while (text_is_token(header->name[size]))
		size++;
	if (size == 0 || header->name[size])
		return NULL;
	if (!text_is_header_value(value))
		return NULL;
	/* libcurl takes a name without a value for a header that it is to leave out. */
	return *value ? mem_printf(ctx, "%s: %s", header->name, value)
	              : mem_printf(ctx, "%s;", header->name);
}

static const char *const *
header_lines(struct np_ctx *ctx, const struct np_fetch *wanted, const char *traceparent)
{
	const char **lines = mem_array(ctx, const char *, HEADERS_MAX + 2);
	size_t count = wanted->headers ? wanted->headers->count : 0, made = 0;

	if (count > HEADERS_MAX)
		misuse_note("np_fetch() with more than %d headers", HEADERS_MAX);
	for (size_t i = 0; i < count && !misuse_noted(); i++) {
		const struct np_member *header = &wanted->headers->items[i];

		if (np_is_null(header->value))
			continue;
		lines[made] = header_line(ctx, header);
		if (!lines[made++])
			misuse_note("np_fetch() with a header \"%s\" that it cannot send",
			            header->name ? header->name : "NULL");
	}
	if (traceparent)
		lines[made++] = mem_printf(ctx, "traceparent: %s", traceparent);
	return lines;
}

/* The trace goes on in the other service, as a child of the span of this fetch. */
static const char *
make_traceparent(struct np_ctx *ctx, char span[TRACE_SPAN_BYTES])
{
	struct trace trace = ctx->trace;
	char *header;

	if (!trace.id[0])
		return NULL;
	random_hex((TRACE_SPAN_BYTES - 1) / 2, span);
	memcpy(trace.span, span, TRACE_SPAN_BYTES);
	header = mem_resize(ctx, NULL, TRACE_HEADER_BYTES);
	trace_write(&trace, header);
	return header;
}

/* --- where it goes --- */

static bool
refuse_url(struct np_ctx *ctx, const char *why)
{
	error_fill(&ctx->error, FAILURE_INVALID, "This URL may not be fetched");
	return error_detail(&ctx->error, "%s (FETCH_PRIVATE)", why);
}

static bool
may_go_to(struct np_ctx *ctx, const struct addresses *addresses)
{
	for (size_t i = 0; i < addresses->count && !ctx->app->settings->fetch_private; i++)
		if (!address_is_public(addresses->texts[i]))
			return refuse_url(ctx, "it leads to an address that is not public");
	return true;
}

static bool
fail_outside(struct np_ctx *ctx, const char *why)
{
	if (deadline_passed(ctx->deadline))
		error_fill(&ctx->error, FAILURE_TIMEOUT, "Another service took too long");
	else
		error_fill(&ctx->error, FAILURE_UNAVAILABLE, "Another service is not available");
	return error_detail(&ctx->error, "np_fetch(): %s", why);
}

/* Only one address is used of a name that has private ones too: all have to be public. */
static bool
find_way(struct np_ctx *ctx, const char *url, struct deadline deadline, struct addresses *addresses)
{
	const char *host = http_client_host(ctx, url), *why;

	if (!host || !(text_starts(url, "https://") || text_starts(url, "http://")))
		return error_set(&ctx->error, FAILURE_INVALID, "This is no URL of https");
	if (text_starts(url, "http://") && !ctx->app->settings->fetch_private)
		return refuse_url(ctx, "it is not https");
	if (!resolve_outside(host, deadline, addresses, &why))
		return fail_outside(ctx,
		                    mem_printf(ctx, "could not resolve \"%s\": %s", host, why));
	if (!may_go_to(ctx, addresses))
		return false;
	return !deadline_passed(deadline) || fail_outside(ctx, "no time was left to ask");
}

/* --- the answer --- */

struct np_value
np_fetched_header(struct np_ctx *ctx, const struct np_fetched *fetched, const char *name)
{
	size_t size = name ? strlen(name) : 0;
	const char *line = fetched->head;

	while (size > 0 && line && (line = strchr(line, '\n')) != NULL) {
		size_t length = strcspn(++line, "\r\n");
		const char *value;

		if (length <= size || line[size] != ':'
		    || !text_equal_nocase(mem_strndup(ctx, line, size), name))
			continue;
		length -= size + 1;
		value = text_strip(line + size + 1, &length);
		return utf8_valid(value, length, NULL) ? np_text(mem_strndup(ctx, value, length))
		                                       : np_null();
	}
	return np_null();
}

static bool
explain(struct np_ctx *ctx, const struct error *why, const char *url)
{
	if (why->kind == FAILURE_CLIENT_GONE) {
		ctx->error = *why;
		return false;
	}
	/* It may have moved. */
	resolve_forget(http_client_host(ctx, url));
	return fail_outside(
	    ctx, mem_printf(ctx, "%.*s: %s", (int)strcspn(url, "?#"), url, why->message));
}

/* What the database decides comes first: whether it knows the caller and the session, and whether a
 * request with the same key was done. Without a statement before it, one that does nothing asks. */
static bool
ask_first(struct np_ctx *ctx, bool sends)
{
	bool asks = ctx->is_unidentified || (sends && (ctx_has_key(ctx) || ctx->identity.sql));
	struct np_rows *ignored;

	if (ctx->is_guarding || !ctx->tx || !asks || transaction_counts(ctx->tx).queries > 0)
		return true;
	ctx->asked_first = true;
	if (ctx->is_unidentified && !identify_confirm(ctx))
		return false;
	return transaction_counts(ctx->tx).queries > 0
	       || transaction_query(ctx->tx, "SELECT 1", NO_VALUES, &ignored, &ctx->error);
}

struct np_value
np_idempotency_key(const struct np_ctx *ctx)
{
	return np_text(ctx_has_key(ctx) ? request_header(ctx->request, "idempotency-key") : NULL);
}

static bool
send_request(struct np_ctx *ctx, const struct http_client_request *request,
             struct deadline deadline, struct np_fetched *fetched)
{
	struct error why;
	long status = 0;

	if (!http_client_run(ctx->app->fetcher, request, deadline, &status, &why))
		return explain(ctx, &why, request->url);
	fetched->status = (int)status;
	fetched->body = (struct np_bytes){ request->response->size > 0 ? request->response->data
		                                                       : "",
		                           request->response->size };
	fetched->head = request->response_head->data;
	fetched->content_type = np_fetched_header(ctx, fetched, "content-type").text;
	return true;
}

static struct deadline
deadline_of(const struct np_ctx *ctx, const struct np_fetch *wanted)
{
	int64_t left_ms = deadline_left_ms(ctx->deadline);

	return wanted->timeout_ms > 0 && wanted->timeout_ms < left_ms
	           ? deadline_within_ms(ctx->deadline, wanted->timeout_ms)
	           : ctx->deadline;
}

static bool
fetch(struct np_ctx *ctx, const struct np_fetch *wanted, const char *method,
      const char *traceparent, struct np_fetched *fetched)
{
	struct deadline deadline = deadline_of(ctx, wanted);
	struct addresses addresses;
	struct buf head, body;
	const struct http_client_request request = {
		.method = method,
		.url = wanted->url,
		.headers = header_lines(ctx, wanted, traceparent),
		.content_type = wanted->content_type,
		.user_agent = user_agent,
		.body = wanted->body.size > 0 || !is_safe_method(method)
		            ? (wanted->body.bytes ? wanted->body.bytes : "")
		            : NULL,
		.size = wanted->body.size,
		.timeout_ms = deadline_left_ms(deadline) + 1,
		.response = &body,
		.response_head = &head,
		.addresses = &addresses,
		.ca_file = ctx->app->settings->fetch_ca_file,
		/* What was sent is waited for, as a commit is. */
		.client = is_safe_method(method) && !ctx_has_key(ctx) ? ctx->request->client : NULL,
		.alone = true,
	};

	if (misuse_noted())
		return false;
	buf_init(&head, ctx, HEADERS_MAX_BYTES);
	buf_init(&body, ctx, (size_t)(wanted->max_bytes ? wanted->max_bytes : BODY_MAX_BYTES));
	return find_way(ctx, wanted->url, deadline, &addresses)
	       && send_request(ctx, &request, deadline, fetched);
}

bool
np_fetch(struct np_ctx *ctx, struct np_fetched *fetched, const struct np_fetch *wanted)
{
	const char *method = wanted->method ? wanted->method : wanted->body.size ? "POST" : "GET";
	int64_t start_us = clock_now_us();
	char span[TRACE_SPAN_BYTES] = "";
	bool ok;

	*fetched = (struct np_fetched){ .status = 0 };
	check_use(ctx, wanted, method);
	if (misuse_noted())
		return ctx_our_fault(ctx, misuse_noted());
	if (!ask_first(ctx, !is_safe_method(method)))
		return false;
	ok = fetch(ctx, wanted, method, make_traceparent(ctx, span), fetched);
	if (misuse_noted())
		return ctx_our_fault(ctx, misuse_noted());
	ctx->fetches++;
	ctx->fetches_us += clock_now_us() - start_us;
	spans_add_fetch(ctx, &(struct span_fetch){ method, wanted->url, fetched->status }, span,
	                start_us);
	return ok;
}
