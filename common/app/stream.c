#include "app/stream.h"

#include "app/csv_rows.h"
#include "app/ctx.h"
#include "base/misuse.h"

/* Of one part; a single row may have up to REPLY_BODY_MAX_BYTES. */
#define PART_BYTES ((size_t)32 << 10)

static void
write_row(struct np_ctx *ctx, const struct np_rows *row)
{
	struct buf *out = &ctx->reply.body;

	if (ctx->stream_format == STREAM_CSV) {
		csv_row(out, row, 0);
		return;
	}
	rows_json(row, 0, NULL, out);
	buf_char(out, '\n');
}

/* The columns are known with the first row, or with the end of a result that has none. */
static bool
begin_body(struct np_ctx *ctx, const struct np_rows *row)
{
	if (ctx->stream_format == STREAM_CSV)
		csv_names(&ctx->reply.body, row);
	return ctx->stream_format == STREAM_CSV || ctx_check_columns(ctx, row);
}

/* A client that reads until the connection ends would take a part for the whole. */
static bool
refuse_long(struct np_ctx *ctx)
{
	if (!ctx->request->is_old_http)
		return ctx_our_fault(ctx, "the web server would not show that a reply broke off:"
		                          " fastcgi_keep_conn has to be on, and CGI cannot");
	error_fill(&ctx->error, FAILURE_INVALID, "This response needs HTTP/1.1");
	ctx->error.status = 505;
	return error_detail(&ctx->error, "HTTP/1.0 cannot show that a reply broke off");
}

/* Reads rows until the body has that many bytes, or until their end. */
static bool
fill_part(struct np_ctx *ctx, size_t bytes, bool *first)
{
	struct buf *out = &ctx->reply.body;
	const struct np_rows *row;

	while (transaction_is_streaming(ctx->tx) && out->size < bytes) {
		if (!transaction_next(ctx->tx, &row, &ctx->error)
		    || (*first && !begin_body(ctx, row)))
			return false;
		*first = false;
		if (np_rows_count(row) > 0)
			write_row(ctx, row);
		if (out->overflow && !ctx->request->shows_break)
			return refuse_long(ctx);
		if (out->overflow)
			return ctx_our_fault(ctx, "a row is larger than REPLY_BODY_MAX_BYTES");
	}
	return true;
}

static bool
fill_first_part(struct np_ctx *ctx)
{
	bool first = true, shows_break = ctx->request->shows_break;

	if (!fill_part(ctx, shows_break ? PART_BYTES : REPLY_BODY_MAX_BYTES, &first))
		return false;
	if (transaction_is_streaming(ctx->tx) && !shows_break)
		return refuse_long(ctx);
	ctx->reply.goes_on = transaction_is_streaming(ctx->tx);
	return ctx_finish_reply(ctx, NP_STATUS_OK);
}

/* What was read before a commit, or is kept for other requests, cannot be a stream. */
static bool
may_stream(struct np_ctx *ctx, const struct np_call *call, const char *function)
{
	if (ctx_is_probing(ctx))
		return np_fail(ctx, NP_ERROR_PRECONDITION_FAILED,
		               "If-Match and If-None-Match cannot be compared with a stream");
	ctx_check_call(call, call->statement->kind != NP_KIND_EXEC, function);
	if (ctx->route->tx != NP_TX_READ)
		misuse_note("%s() in a route that is not NP_TX_READ", function);
	if (ctx->route->cache.key)
		misuse_note("%s() in a route with .cache.key", function);
	if (!ctx_has_transaction(ctx, function) || misuse_noted())
		return ctx_our_fault(ctx, misuse_noted());
	return true;
}

static bool
stream(struct np_ctx *ctx, enum stream_format format, const char *file_name,
       const struct np_call *call, const char *function)
{
	const struct transaction_statement statement = ctx_statement(call);
	const char *type = format == STREAM_CSV ? CSV_MEDIA_TYPE : "application/jsonl";

	if (ctx->streamed)
		misuse_note("a second stream");
	ctx->stream_format = format;
	ctx->streamed = true;
	return may_stream(ctx, call, function) && ctx_begin_content(ctx, type, file_name)
	       && transaction_stream(ctx->tx, &statement, &ctx->error) && fill_first_part(ctx);
}

bool
np_stream_csv(struct np_ctx *ctx, const char *file_name, struct np_call call)
{
	return stream(ctx, STREAM_CSV, file_name, &call, "np_stream_csv");
}

bool
np_stream_json_lines(struct np_ctx *ctx, const char *file_name, struct np_call call)
{
	return stream(ctx, STREAM_JSON_LINES, file_name, &call, "np_stream_json_lines");
}

bool
stream_next(struct np_ctx *ctx)
{
	bool first = false;

	ctx->parts_bytes += ctx->reply.body.size;
	buf_reset(&ctx->reply.body);
	if (!fill_part(ctx, PART_BYTES, &first)) {
		buf_reset(&ctx->reply.body); /* it is not sent */
		return false;
	}
	ctx->reply.goes_on = transaction_is_streaming(ctx->tx);
	return true;
}
