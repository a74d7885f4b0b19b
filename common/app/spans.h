/* spans.h - what a request did, step by step, for OpenTelemetry
 *
 * Spans are collected while a request runs, if its trace is sampled and the process exports spans
 * (app->wants_spans()). After the reply has been sent, app->export_spans() gets them as plain data.
 * A span holds numbers and texts of the program (route, statement), never a value.
 */
#ifndef NULLPOOL_APP_SPANS_H
#define NULLPOOL_APP_SPANS_H

#include "app/ctx.h"

/* Of one request. Steps after these are counted and left out. */
#define SPANS_MAX 32

struct span {
	enum { SPAN_CONNECT, SPAN_QUERY, SPAN_COMMIT, SPAN_CACHE, SPAN_FETCH } step;
	char id[TRACE_SPAN_BYTES]; /* "": it gets one when it is exported */
	int64_t start_us, end_us;  /* of clock_now_us() */
	const char *text;          /* the statement, the cache's command, or the URL */
	const char *name;          /* of the statement (NULL: it has none), or the method */
	int64_t rows;
	struct connect_cost cost; /* of SPAN_CONNECT */
	int status;               /* of SPAN_FETCH; 0: there was no response */
	bool failed;
	char sqlstate[6]; /* "" unless Postgres reported an error */
};

/* What app->export_spans() gets. Everything is borrowed for the time of the call. */
struct request_spans {
	const struct trace *trace;
	const char *endpoint, *request_id, *method;
	const char *route; /* NULL: none was found */
	int status;
	size_t body_bytes;
	bool broken_off;          /* the body ended in the middle */
	int64_t start_us, end_us; /* of clock_now_us(); the end is that of the reply */
	int64_t queue_us;         /* spent waiting for a worker before start_us; <= 0: none */
	const struct conninfo *database; /* the server that the steps used */
	const struct span *spans;        /* the steps: `count` of them */
	size_t count, left_out;
};

/* Makes ctx->spans, and begins a trace if the client sent none. Does nothing if no spans are
 * wanted. */
void spans_begin(struct np_ctx *ctx);

/* A transaction_listener; `context` is the np_ctx. */
void spans_note(void *context, const struct transaction_note *note);

/* Adds a finished command of the cache that began at start_us; `what` is a constant. */
void spans_add_cache(struct np_ctx *ctx, const char *what, int64_t start_us);

/* Adds a finished request to another service, with the ID that it was told (""). The URL is cut at
 * its query. */
struct span_fetch {
	const char *method, *url;
	int status; /* 0: there was no response */
};
void spans_add_fetch(struct np_ctx *ctx, const struct span_fetch *fetch, const char *id,
                     int64_t start_us);

/* Gives the spans to app->export_spans(). */
void spans_export(const struct np_ctx *ctx, int64_t duration_us);

#endif
