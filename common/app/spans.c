#include "app/spans.h"

#include "base/mem.h"

struct spans {
	struct span spans[SPANS_MAX];
	size_t count, left_out;
};

void
spans_begin(struct np_ctx *ctx)
{
	const struct otel_sampler *sampler = &ctx->app->settings->otel_sampler;
	bool is_root = !ctx->trace.id[0];

	if (!ctx->app->wants_spans())
		return;
	if (is_root)
		trace_begin(&ctx->trace);
	if (is_root || !sampler->parent_based)
		trace_sample(&ctx->trace, sampler->probability);
	if (trace_is_sampled(&ctx->trace))
		ctx->spans = mem_new(ctx, struct spans);
}

/* Returns NULL if no spans are wanted, or if there are SPANS_MAX already. */
static struct span *
add_span(struct np_ctx *ctx, int64_t start_us)
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
	struct span *span = add_span(context, note->start_us);

	if (!span)
		return;
	span->step = note->what == NOTE_CONNECT ? SPAN_CONNECT
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
	struct span *span = add_span(ctx, start_us);

	if (!span)
		return;
	span->step = SPAN_CACHE;
	span->text = what;
}

void
spans_add_fetch(struct np_ctx *ctx, const struct span_fetch *fetch, const char *id,
                int64_t start_us)
{
	struct span *span = add_span(ctx, start_us);

	if (!span)
		return;
	span->step = SPAN_FETCH;
	span->text = mem_strndup(ctx, fetch->url, strcspn(fetch->url, "?#"));
	span->name = mem_strdup(ctx, fetch->method);
	span->status = fetch->status;
	span->failed = fetch->status == 0 || fetch->status >= 400;
	memcpy(span->id, id, strlen(id) + 1);
}

void
spans_export(const struct np_ctx *ctx, int64_t duration_us)
{
	const struct settings *settings = ctx->app->settings;
	const struct request *request = ctx->request;
	bool replica = ctx->tx && transaction_counts(ctx->tx).on_replica;

	if (!ctx->spans)
		return;
	ctx->app->export_spans(&(struct request_spans){
	    .trace = &ctx->trace,
	    .endpoint = ctx->app->name,
	    .request_id = request->id,
	    .method = request->method,
	    .route = ctx->route ? ctx->route->path : NULL,
	    .status = ctx->reply.status,
	    .body_bytes = ctx->parts_bytes + ctx->reply.body.size,
	    .broken_off = ctx_goes_on(ctx),
	    .start_us = request->start_us,
	    .end_us = request->start_us + duration_us,
	    .queue_us = request->queue_ms * 1000,
	    .database = replica ? &settings->replica : &settings->database,
	    .spans = ctx->spans->spans,
	    .count = ctx->spans->count,
	    .left_out = ctx->spans->left_out,
	});
}
