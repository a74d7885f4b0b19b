#include "app/answer_row.h"

#include "base/mem.h"
#include "base/text.h"
#include "http/route.h"

/* A Location that is longer is left out: it could not be refused any more. */
#define LOCATION_MAX_BYTES 2048

/* Returns NULL if a column is SQL's NULL, or if it is too long. */
static const char *
make_location(struct np_ctx *ctx, const struct np_rows *row)
{
	const char *template = ctx->route->answer.location, *text;
	struct text_part part;
	struct buf location;

	buf_init(&location, ctx, LOCATION_MAX_BYTES);
	while (text_next_part(&template, &part)) {
		buf_add(&location, part.plain, part.plain_size);
		if (!part.name)
			continue;
		text = np_field(row, 0, mem_strndup(ctx, part.name, part.name_size)).text;
		if (!text)
			return NULL;
		buf_percent(&location, text, "");
	}
	return location.overflow ? NULL : location.data;
}

bool
answer_row(struct np_ctx *ctx, const struct np_rows *row)
{
	enum np_status status = route_success(ctx->route);
	const char *location = ctx->route->answer.location ? make_location(ctx, row) : NULL;

	if (reply_is_redirect((int)status))
		return np_reply_redirect(ctx, status, location);
	ctx_begin_reply(ctx, REPLY_JSON);
	if (location)
		reply_set_header(&ctx->reply, "Location", ctx_location(ctx, location));
	if (status == NP_STATUS_NO_CONTENT)
		return ctx_finish_reply(ctx, status);
	rows_json(row, 0, ctx->route->answer.omit, &ctx->reply.body);
	return ctx_finish_reply(ctx, status);
}
