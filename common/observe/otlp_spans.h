/* otlp_spans.h - the spans of requests as OpenTelemetry's protocol wants them: OTLP's JSON
 *
 * Names of attributes follow OpenTelemetry's semantic conventions; attributes that those do not
 * have are called nullpool.*. Format: https://opentelemetry.io/docs/specs/otlp/ and
 * opentelemetry/proto/trace/v1/trace.proto.
 *
 * A worker writes the spans of a request and gives them, as one message, to the process that sends
 * them to the collector (otlp_export.h), which puts the spans of many messages into one batch.
 */
#ifndef NULLPOOL_OBSERVE_OTLP_SPANS_H
#define NULLPOOL_OBSERVE_OTLP_SPANS_H

#include "app/spans.h"
#include "base/buf.h"
#include "config/settings.h"

/* The largest message. */
#define OTLP_SPANS_MAX_BYTES (32 << 10)

/* Appends the span of the request and those of its steps, as JSON objects separated by commas.
 * Steps that do not fit into `out` are left out. */
void otlp_spans_write(struct buf *out, const struct request_spans *request);

/* A batch is the text that begin_batch appends, then messages separated by commas, then the end. */
void otlp_spans_begin_batch(struct buf *out, const struct settings *settings);
extern const char otlp_spans_batch_end[];

/* --- in a worker: the hooks of struct app --- */

/* Where messages go: the writing end of a SOCK_SEQPACKET pair; -1: spans are not exported. */
void otlp_spans_set_socket(int fd);

/* An app's wants_spans(). Returns true if the process that sends spans works. */
bool otlp_spans_are_wanted(void);

/* An app's export_spans(). Never waits: a message that the socket has no room for is dropped and
 * counted. */
void otlp_spans_export(const struct request_spans *request);

#endif
