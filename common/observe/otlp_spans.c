#include "observe/otlp_spans.h"

#include <inttypes.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "observe/scoreboard.h"

#define TEXT_MAX_BYTES 2048

/* SpanKind and StatusCode of trace.proto. */
enum { KIND_INTERNAL = 1, KIND_SERVER = 2, KIND_CLIENT = 3 };
enum { STATUS_ERROR = 2 };

struct writer {
	struct buf *out;
	const struct request_spans *request;
	int64_t epoch_us; /* the wall clock at 0 of clock_now_us() */
	uint64_t next_id;
};

/* --- attributes --- */

static void
begin_attribute(struct buf *out, const char *key)
{
	bool first = out->size > 0 && out->data[out->size - 1] == '[';

	buf_text(out, first ? "{\"key\":" : ",{\"key\":");
	buf_json_text(out, key);
	buf_text(out, ",\"value\":");
}

static void
write_string(struct buf *out, const char *key, const char *text, size_t size)
{
	begin_attribute(out, key);
	buf_text(out, "{\"stringValue\":");
	buf_json_string(out, text, size);
	buf_text(out, "}}");
}

/* Of a span: long texts are cut, and a missing or empty one makes no attribute. */
static void
write_text(struct buf *out, const char *key, const char *text)
{
	if (text && *text)
		write_string(out, key, text, strnlen(text, TEXT_MAX_BYTES));
}

/* A 64-bit integer is a string in protobuf's JSON. */
static void
write_int(struct buf *out, const char *key, int64_t value)
{
	begin_attribute(out, key);
	buf_printf(out, "{\"intValue\":\"%" PRId64 "\"}}", value);
}

static void
write_ms(struct buf *out, const char *key, int64_t us)
{
	begin_attribute(out, key);
	buf_printf(out, "{\"doubleValue\":%" PRId64 ".%03" PRId64 "}}", us / 1000, us % 1000);
}

/* --- spans --- */

/* Writes a span up to its list of attributes. */
static void
begin_span(struct writer *writer, const char *id, const char *parent, int kind, const char *name,
           int64_t start_us, int64_t end_us)
{
	struct buf *out = writer->out;

	buf_printf(out, "%s{\"traceId\":\"%s\",\"spanId\":\"%s\",", out->size > 0 ? "," : "",
	           writer->request->trace->id, id);
	if (*parent)
		buf_printf(out, "\"parentSpanId\":\"%s\",", parent);
	buf_printf(out, "\"flags\":1,\"kind\":%d,\"name\":", kind);
	buf_json_text(out, name);
	buf_printf(out,
	           ",\"startTimeUnixNano\":\"%" PRId64 "000\",\"endTimeUnixNano\":\"%" PRId64
	           "000\",\"attributes\":[",
	           writer->epoch_us + start_us, writer->epoch_us + end_us);
}

static void
end_span(struct buf *out, bool failed)
{
	buf_text(out, "]");
	if (failed)
		buf_printf(out, ",\"status\":{\"code\":%d}", STATUS_ERROR);
	buf_text(out, "}");
}

/* Its name is "GET /users/{id}", or the method alone if no route was found. */
static void
write_request(struct writer *writer)
{
	const struct request_spans *request = writer->request;
	int64_t queue_us = request->queue_us > 0 ? request->queue_us : 0;
	bool failed = request->status >= 500 || request->broken_off;
	struct buf *out = writer->out;
	char *name = mem_printf(out->owner, "%s%s%s", request->method, request->route ? " " : "",
	                        request->route ? request->route : "");

	begin_span(writer, request->trace->span, request->trace->parent, KIND_SERVER, name,
	           request->start_us - queue_us, request->end_us);
	write_text(out, "http.request.method", request->method);
	write_text(out, "http.route", request->route);
	write_int(out, "http.response.status_code", request->status);
	if (failed)
		write_text(out, "error.type",
		           request->broken_off ? "broken_off"
		                               : mem_printf(out->owner, "%d", request->status));
	write_int(out, "http.response.body.size", (int64_t)request->body_bytes);
	write_text(out, "nullpool.endpoint", request->endpoint);
	write_text(out, "nullpool.request_id", request->request_id);
	if (request->left_out > 0)
		write_int(out, "nullpool.spans_left_out", (int64_t)request->left_out);
	end_span(out, failed);
}

static void
begin_child(struct writer *writer, int kind, const char *name, int64_t start_us, int64_t end_us)
{
	char id[TRACE_SPAN_BYTES];

	/* An all-zero ID is invalid. */
	if (writer->next_id == 0)
		writer->next_id = 1;
	(void)snprintf(id, sizeof(id), "%016" PRIx64, writer->next_id++);
	begin_span(writer, id, writer->request->trace->span, kind, name, start_us, end_us);
}

static void
write_database(struct writer *writer)
{
	const struct conninfo *database = writer->request->database;
	const char *port = conninfo_get(database, "port");
	struct buf *out = writer->out;
	int64_t number;

	write_text(out, "db.system.name", "postgresql");
	write_text(out, "db.namespace", conninfo_get(database, "dbname"));
	write_text(out, "server.address", conninfo_get(database, "host"));
	if (port && parse_int(port, &number))
		write_int(out, "server.port", number);
}

static void
write_connect(struct writer *writer, const struct span *span)
{
	char key[64];

	begin_child(writer, KIND_CLIENT, "connect", span->start_us, span->end_us);
	write_database(writer);
	write_int(writer->out, "nullpool.connect.trips", span->cost.round_trips);
	for (size_t i = 0; i < CONNECT_PHASE__MAX; i++) {
		(void)snprintf(key, sizeof(key), "nullpool.connect.%s_ms", connect_phase_names[i]);
		write_ms(writer->out, key, span->cost.phases_us[i]);
	}
}

/* Its name is "SELECT user_by_id": the first word of a statement is its operation. */
static void
write_query(struct writer *writer, const struct span *span)
{
	size_t start = strspn(span->text, " \t\r\n(");
	struct buf *out = writer->out;
	char *operation = mem_strndup(out->owner, span->text + start,
	                              strcspn(span->text + start, " \t\r\n(;"));
	char *summary = mem_printf(out->owner, "%s%s%s", operation, span->name ? " " : "",
	                           span->name ? span->name : "");

	begin_child(writer, KIND_CLIENT, summary, span->start_us, span->end_us);
	write_database(writer);
	write_text(out, "db.query.summary", summary);
	write_text(out, "db.operation.name", operation);
	write_text(out, "db.query.text", span->text);
	if (!span->failed)
		write_int(out, "db.response.returned_rows", span->rows);
}

/* OpenTelemetry's semantic conventions for HTTP clients. */
static void
write_fetch(struct writer *writer, const struct span *span)
{
	struct buf *out = writer->out;

	if (*span->id)
		begin_span(writer, span->id, writer->request->trace->span, KIND_CLIENT, span->name,
		           span->start_us, span->end_us);
	else
		begin_child(writer, KIND_CLIENT, span->name, span->start_us, span->end_us);
	write_text(out, "http.request.method", span->name);
	write_text(out, "url.full", span->text);
	if (span->status > 0)
		write_int(out, "http.response.status_code", span->status);
	if (span->failed)
		write_text(out, "error.type",
		           span->status > 0 ? mem_printf(out->owner, "%d", span->status)
		                            : "no_response");
}

static void
write_step(struct writer *writer, const struct span *span)
{
	switch (span->step) {
	case SPAN_CONNECT:
		write_connect(writer, span);
		break;
	case SPAN_QUERY:
		write_query(writer, span);
		break;
	case SPAN_COMMIT:
		begin_child(writer, KIND_CLIENT, "COMMIT", span->start_us, span->end_us);
		write_database(writer);
		write_text(writer->out, "db.operation.name", "COMMIT");
		break;
	case SPAN_FETCH:
		write_fetch(writer, span);
		break;
	case SPAN_CACHE:
		begin_child(writer, KIND_CLIENT, span->text, span->start_us, span->end_us);
		write_text(writer->out, "db.system.name", "redis");
		write_text(writer->out, "db.operation.name", span->text);
		break;
	}
	write_text(writer->out, "db.response.status_code", span->sqlstate);
	end_span(writer->out, span->failed);
}

void
otlp_spans_write(struct buf *out, const struct request_spans *request)
{
	struct writer writer = { .out = out,
		                 .request = request,
		                 .epoch_us = clock_wall_us() - clock_now_us(),
		                 .next_id = random_number() };

	write_request(&writer);
	if (request->queue_us > 0) {
		begin_child(&writer, KIND_INTERNAL, "wait for a worker",
		            request->start_us - request->queue_us, request->start_us);
		end_span(out, false);
	}
	for (size_t i = 0; i < request->count; i++) {
		size_t whole = out->size;

		write_step(&writer, &request->spans[i]);
		if (out->overflow) {
			out->size = whole;
			out->data[whole] = '\0';
			break;
		}
	}
}

/* --- batches --- */

void
otlp_spans_begin_batch(struct buf *out, const struct settings *settings)
{
	buf_text(out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
	for (size_t i = 0; i < settings->otel_attribute_count; i++)
		write_string(out, settings->otel_attribute[i].key,
		             settings->otel_attribute[i].value,
		             strlen(settings->otel_attribute[i].value));
	buf_text(out,
	         "]},\"scopeSpans\":[{\"scope\":{\"name\":\"nullpool\",\"version\":\"" NP_VERSION
	         "\"},\"spans\":[");
}

const char otlp_spans_batch_end[] = "]}]}]}";

/* --- in a worker --- */

static int exporter_socket = -1;

void
otlp_spans_set_socket(int fd)
{
	exporter_socket = fd;
}

bool
otlp_spans_are_wanted(void)
{
	return exporter_socket >= 0
	       && atomic_load_explicit(&board->tracing, memory_order_relaxed) != 0;
}

void
otlp_spans_export(const struct request_spans *request)
{
	void *scope = mem_scope(mem_process(), "spans");
	struct buf message;

	buf_init(&message, scope, OTLP_SPANS_MAX_BYTES);
	otlp_spans_write(&message, request);
	if (send(exporter_socket, message.data, message.size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		atomic_fetch_add(&board->traces_dropped, 1);
	mem_free(scope);
}
