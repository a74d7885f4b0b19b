/* spans.h - what a request did, piece by piece, for OpenTelemetry
 *
 * Collected while a request runs, where its trace is sampled and somebody takes spans
 * (app->traces()); written as OTLP's JSON after its reply has left. A span has the texts of the
 * program (route, statement) and numbers, and never a value. Names of attributes are
 * OpenTelemetry's semantic conventions; what those do not have is nullpool.*.
 */
#ifndef NULLPOOL_APP_SPANS_H
#define NULLPOOL_APP_SPANS_H

#include "app/ctx.h"

/* Of one request, and of its JSON; what comes after is left out, and its number told. */
#define SPANS_MAX       32
#define SPANS_MAX_BYTES (32 << 10)

/* ctx->spans, and a trace when nobody began one; nothing where none are wanted. */
void spans_begin(struct np_ctx *ctx);

/* A transaction_listener; context is the np_ctx. */
void spans_note(void *context, const struct transaction_note *note);

/* A call of the cache that began at start_us and is over; `what` is a constant. */
void spans_add_cache(struct np_ctx *ctx, const char *what, int64_t start_us);

/* Writes and sends them; the request took so long. */
void spans_send(const struct np_ctx *ctx, int64_t duration_us);

#endif
