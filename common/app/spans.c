#include "app/spans.h"

#include <inttypes.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

#define SQL_MAX_BYTES 2048

/* SpanKind and StatusCode of opentelemetry-proto's trace.proto. */
enum { KIND_INTERNAL = 1, KIND_SERVER = 2, KIND_CLIENT = 3 };
enum { STATUS_ERROR = 2 };

struct span {
	enum { SPAN_CONNECT, SPAN_QUERY, SPAN_COMMIT, SPAN_CACHE } what;
	int64_t start_us, end_us;
	const char *text; /* the statement, or what the cache was asked for */
	const char *name; /* of the statement, or NULL */
	int64_t rows;
	struct connect_cost cost;
	bool failed;
	char sqlstate[6];
};

struct spans {
	struct span spans[SPANS_MAX];
	size_t count, left_out;
};

/* --- collecting --- */

void
spans_begin(struct np_ctx *ctx)
{
	const struct otel_sampler *sampler = &ctx->app->settings->otel_sampler;
	bool is_root = !ctx->trace.id[0];

	if (!ctx->app->traces())
		return;
	if (is_root)
		trace_begin(&ctx->trace);
	if (is_root || !sampler->parent_based)
		trace_sample(&ctx->trace, sampler->probability);
	if (trace_is_sampled(&ctx->trace))
		ctx->spans = mem_new(ctx, struct spans);
}

/* NULL: there is no place, or none are wanted. */
static struct span *
add(struct np_ctx *ctx, int64_t start_us)
{
	struct span *span;

	if (!ctx->spans)
		return NULL;
	if (ctx->spans->count == SPANS_MAX) {
		ctx->spans->left_out++;
		return NULL;
	}
	span = &ctx->spans->spans[ctx->spans->count++];
	span->start_us = start_us;
	span->end_us = clock_now_us();
	return span;
}

void
spans_note(void *context, const struct transaction_note *note)
{
	struct span *span = add(context, note->start_us);

	if (!span)
		return;
	span->what = note->what == NOTE_CONNECT ? SPAN_CONNECT
	             : note->what == NOTE_QUERY ? SPAN_QUERY
	                                        : SPAN_COMMIT;
	span->text = note->sql ? mem_strdup(context, note->sql) : NULL;
	span->name = note->name ? mem_strdup(context, note->name) : NULL;
	span->rows = note->rows;
	if (note->cost)
		span->cost = *note->cost;
	span->failed = note->err != NULL;
	if (note->err)
		memcpy(span->sqlstate, note->err->sqlstate, sizeof(span->sqlstate));
}

void
spans_add_cache(struct np_ctx *ctx, const char *what, int64_t start_us)
{
	struct span *span = add(ctx, start_us);

	if (!span)
		return;
	span->what = SPAN_CACHE;
	span->text = what;
}

/* --- writing --- */

struct writer {
	const struct np_ctx *ctx;
	struct buf out;
	int64_t epoch_us; /* the wall clock at 0 of clock_now_us() */
	uint64_t next_id;
	bool first; /* attribute of its span */
};

static void
attribute(struct writer *writer, const char *key)
{
	buf_printf(&writer->out, "%s{\"key\":\"%s\",\"value\":", writer->first ? "" : ",", key);
	writer->first = false;
}

static void
attribute_text(struct writer *writer, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	attribute(writer, key);
	buf_text(&writer->out, "{\"stringValue\":");
	buf_json_string(&writer->out, text, strnlen(text, SQL_MAX_BYTES));
	buf_text(&writer->out, "}}");
}

/* A 64-bit integer is a text in protobuf's JSON. */
static void
attribute_int(struct writer *writer, const char *key, int64_t value)
{
	attribute(writer, key);
	buf_printf(&writer->out, "{\"intValue\":\"%" PRId64 "\"}}", value);
}

static void
attribute_ms(struct writer *writer, const char *key, int64_t us)
{
	attribute(writer, key);
	buf_printf(&writer->out, "{\"doubleValue\":%" PRId64 ".%03" PRId64 "}}", us / 1000,
	           us % 1000);
}

/* A span up to its attributes' list. */
static void
begin_span(struct writer *writer, const char *id, const char *parent, int kind, const char *name,
           int64_t start_us, int64_t end_us)
{
	struct buf *out = &writer->out;

	buf_printf(out, "%s{\"traceId\":\"%s\",\"spanId\":\"%s\",", out->size > 0 ? "," : "",
	           writer->ctx->trace.id, id);
	if (*parent)
		buf_printf(out, "\"parentSpanId\":\"%s\",", parent);
	buf_printf(out, "\"flags\":1,\"kind\":%d,\"name\":", kind);
	buf_json_text(out, name);
	buf_printf(out,
	           ",\"startTimeUnixNano\":\"%" PRId64 "000\",\"endTimeUnixNano\":\"%" PRId64
	           "000\",\"attributes\":[",
	           writer->epoch_us + start_us, writer->epoch_us + end_us);
	writer->first = true;
}

static void
end_span(struct writer *writer, bool failed)
{
	buf_text(&writer->out, "]");
	if (failed)
		buf_printf(&writer->out, ",\"status\":{\"code\":%d}", STATUS_ERROR);
	buf_text(&writer->out, "}");
}

/* "GET /users/{id}"; the method alone where no route was found. */
static void
write_request(struct writer *writer, int64_t start_us, int64_t end_us)
{
	const struct np_ctx *ctx = writer->ctx;
	const char *route = ctx->route ? ctx->route->path : NULL;
	char *name = mem_printf(writer->out.owner, "%s%s%s", ctx->request->method, route ? " " : "",
	                        route ? route : "");
	bool failed = ctx->reply.status >= 500;

	begin_span(writer, ctx->trace.span, ctx->trace.parent, KIND_SERVER, name, start_us, end_us);
	attribute_text(writer, "http.request.method", ctx->request->method);
	attribute_text(writer, "http.route", route);
	attribute_int(writer, "http.response.status_code", ctx->reply.status);
	if (failed)
		attribute_text(writer, "error.type",
		               mem_printf(writer->out.owner, "%d", ctx->reply.status));
	attribute_int(writer, "http.response.body.size", (int64_t)ctx->reply.body.size);
	attribute_text(writer, "nullpool.endpoint", ctx->app->name);
	attribute_text(writer, "nullpool.request_id", ctx->request->id);
	if (ctx->spans->left_out > 0)
		attribute_int(writer, "nullpool.spans_left_out", (int64_t)ctx->spans->left_out);
	end_span(writer, failed);
}

/* One of the request's own. */
static void
begin_child(struct writer *writer, int kind, const char *name, int64_t start_us, int64_t end_us)
{
	char id[TRACE_SPAN_BYTES];

	/* All zeros is none. */
	if (writer->next_id == 0)
		writer->next_id = 1;
	(void)snprintf(id, sizeof(id), "%016" PRIx64, writer->next_id++);
	begin_span(writer, id, writer->ctx->trace.span, kind, name, start_us, end_us);
}

static void
attribute_database(struct writer *writer)
{
	const struct app *app = writer->ctx->app;
	bool replica = writer->ctx->tx && transaction_counts(writer->ctx->tx).on_replica;
	const struct conninfo *info = replica ? &app->settings->replica : &app->settings->database;
	const char *port = conninfo_get(info, "port");
	int64_t number;

	attribute_text(writer, "db.system.name", "postgresql");
	attribute_text(writer, "db.namespace", conninfo_get(info, "dbname"));
	attribute_text(writer, "server.address", conninfo_get(info, "host"));
	if (port && parse_int(port, &number))
		attribute_int(writer, "server.port", number);
}

static void
write_connect(struct writer *writer, const struct span *span)
{
	char key[64];

	begin_child(writer, KIND_CLIENT, "connect", span->start_us, span->end_us);
	attribute_database(writer);
	attribute_int(writer, "nullpool.connect.trips", span->cost.trips);
	for (size_t i = 0; i < CONNECT_PHASE__MAX; i++) {
		(void)snprintf(key, sizeof(key), "nullpool.connect.%s_ms", connect_phase_names[i]);
		attribute_ms(writer, key, span->cost.phases_us[i]);
	}
}

/* "SELECT user_by_id": the first word of a statement is what it does. */
static void
write_query(struct writer *writer, const struct span *span)
{
	size_t start = strspn(span->text, " \t\r\n(");
	char *operation = mem_strndup(writer->out.owner, span->text + start,
	                              strcspn(span->text + start, " \t\r\n(;"));
	char *summary = mem_printf(writer->out.owner, "%s%s%s", operation, span->name ? " " : "",
	                           span->name ? span->name : "");

	begin_child(writer, KIND_CLIENT, summary, span->start_us, span->end_us);
	attribute_database(writer);
	attribute_text(writer, "db.query.summary", summary);
	attribute_text(writer, "db.operation.name", operation);
	attribute_text(writer, "db.query.text", span->text);
	if (!span->failed)
		attribute_int(writer, "db.response.returned_rows", span->rows);
}

static void
write_piece(struct writer *writer, const struct span *span)
{
	switch (span->what) {
	case SPAN_CONNECT:
		write_connect(writer, span);
		break;
	case SPAN_QUERY:
		write_query(writer, span);
		break;
	case SPAN_COMMIT:
		begin_child(writer, KIND_CLIENT, "COMMIT", span->start_us, span->end_us);
		attribute_database(writer);
		attribute_text(writer, "db.operation.name", "COMMIT");
		break;
	case SPAN_CACHE:
		begin_child(writer, KIND_CLIENT, span->text, span->start_us, span->end_us);
		attribute_text(writer, "db.system.name", "redis");
		attribute_text(writer, "db.operation.name", span->text);
		break;
	}
	attribute_text(writer, "db.response.status_code", span->sqlstate);
	end_span(writer, span->failed);
}

static void
write_all(struct writer *writer, int64_t duration_us)
{
	const struct np_ctx *ctx = writer->ctx;
	int64_t start_us = ctx->request->start_us, queue_us = ctx->request->queue_ms * 1000;

	write_request(writer, start_us - (queue_us > 0 ? queue_us : 0), start_us + duration_us);
	if (queue_us > 0) {
		begin_child(writer, KIND_INTERNAL, "wait for a worker", start_us - queue_us,
		            start_us);
		end_span(writer, false);
	}
	for (size_t i = 0; i < ctx->spans->count; i++) {
		size_t whole = writer->out.size;

		write_piece(writer, &ctx->spans->spans[i]);
		if (writer->out.overflow) {
			writer->out.size = whole;
			break;
		}
	}
}

void
spans_send(const struct np_ctx *ctx, int64_t duration_us)
{
	struct writer writer = { .ctx = ctx };
	void *scope;

	if (!ctx->spans)
		return;
	scope = mem_scope(mem_process(), "spans");
	writer.epoch_us = clock_wall_us() - clock_now_us();
	writer.next_id = random_number();
	buf_init(&writer.out, scope, SPANS_MAX_BYTES);
	write_all(&writer, duration_us);
	ctx->app->send_spans(writer.out.data, writer.out.size);
	mem_free(scope);
}
