/* replies.c - the np_reply_ functions, but for np_reply_page() (page.c) and np_answer() (answer.c)
 */
#include "app/csv_rows.h"
#include "app/ctx.h"
#include "app/value_json.h"
#include "base/mem.h"
#include "base/misuse.h"
#include "base/text.h"
#include "db/rows.h"
#include "http/cookie.h"

#define COOKIE_MAX_BYTES   4096
#define LOCATION_MAX_BYTES 2048
/* In a header each may become three bytes. */
#define FILE_NAME_MAX_BYTES 255

/* --- JSON --- */

/* Returns what is wrong with the object, or NULL. */
static const char *
write_object(void *owner, struct buf *out, const struct np_object *object)
{
	buf_char(out, '{');
	for (size_t i = 0; object && i < object->count; i++) {
		const struct np_member *member = &object->items[i];

		if (!member->name)
			return " with a member without a name";
		if (!value_is_json(&member->value))
			return mem_printf(owner, ": the text of \"%s\" is not JSON", member->name);
		buf_text(out, i > 0 ? "," : "");
		buf_json_text(out, member->name);
		buf_char(out, ':');
		value_json(out, member->value);
	}
	buf_char(out, '}');
	return NULL;
}

bool
np_reply_object(struct np_ctx *ctx, enum np_status status, const struct np_object *object)
{
	const char *fault;

	ctx_begin_reply(ctx, REPLY_JSON);
	fault = write_object(ctx, &ctx->reply.body, object);
	if (fault)
		return np_fail(ctx, NP_ERROR_INTERNAL, "np_reply_object()%s", fault);
	return ctx_finish_reply(ctx, status);
}

bool
np_reply_json(struct np_ctx *ctx, enum np_status status, struct np_value value)
{
	ctx_begin_reply(ctx, REPLY_JSON);
	if (!value_is_json(&value))
		return ctx_our_fault(ctx, "np_reply_json() of a text that is not JSON");
	value_json(&ctx->reply.body, value);
	return ctx_finish_reply(ctx, status);
}

/* JSON that was made here has the type of a column, so that it is not checked again. */
static struct np_value
made_json(const struct buf *made, const char *fault, const char *function)
{
	struct np_value value = np_json(made->data);

	if (made->overflow)
		fault = " of what is larger than a reply may be";
	if (fault) {
		misuse_note("%s()%s", function, fault);
		return np_null();
	}
	value.column_type = JSON_COLUMN_TYPE;
	return value;
}

struct np_value
np_json_object(struct np_ctx *ctx, const struct np_object *object)
{
	const char *fault;
	struct buf made;

	buf_init(&made, ctx, REPLY_BODY_MAX_BYTES);
	fault = write_object(ctx, &made, object);
	return made_json(&made, fault, "np_json_object");
}

struct np_value
np_json_list(struct np_ctx *ctx, const struct np_values *values)
{
	const char *fault = NULL;
	struct buf made;

	buf_init(&made, ctx, REPLY_BODY_MAX_BYTES);
	buf_char(&made, '[');
	for (size_t i = 0; values && i < values->count && !fault; i++) {
		if (!value_is_json(&values->items[i]))
			fault = ": the text of an item is not JSON";
		buf_text(&made, i > 0 ? "," : "");
		value_json(&made, values->items[i]);
	}
	buf_char(&made, ']');
	return made_json(&made, fault, "np_json_list");
}

/* --- rows --- */

static bool
check_omitted(const struct np_rows *rows, const struct np_names *omit, const char *function)
{
	for (size_t i = 0; omit && i < omit->count; i++)
		if (!omit->items[i]
		    || !rows_has_column(rows, omit->items[i], strlen(omit->items[i])))
			misuse_note("%s() without the column \"%s\", which does not exist",
			            function, omit->items[i] ? omit->items[i] : "NULL");
	return !misuse_noted();
}

/* The misuse is what the request fails with. */
static bool
fail_omitted(struct np_ctx *ctx)
{
	return ctx_our_fault(ctx, "a reply without a column that does not exist");
}

bool
np_reply_row_without(struct np_ctx *ctx, enum np_status status, const struct np_rows *row,
                     const struct np_names *omit)
{
	ctx_begin_reply(ctx, REPLY_JSON);
	if (np_rows_count(row) == 0)
		return ctx_our_fault(ctx, "np_reply_row() of no rows");
	if (!ctx_check_columns(ctx, row))
		return false;
	if (!check_omitted(row, omit, "np_reply_row_without"))
		return fail_omitted(ctx);
	rows_json(row, 0, omit, &ctx->reply.body);
	return ctx_finish_reply(ctx, status);
}

bool
np_reply_row(struct np_ctx *ctx, enum np_status status, const struct np_rows *row)
{
	return np_reply_row_without(ctx, status, row, NULL);
}

bool
np_reply_rows(struct np_ctx *ctx, enum np_status status, const struct np_rows *rows,
              const struct np_names *omit)
{
	ctx_begin_reply(ctx, REPLY_JSON);
	if (!rows)
		return ctx_our_fault(ctx, "np_reply_rows() of no result");
	if (!ctx_check_columns(ctx, rows))
		return false;
	if (!check_omitted(rows, omit, "np_reply_rows"))
		return fail_omitted(ctx);
	rows_json_list(rows, np_rows_count(rows), omit, &ctx->reply.body);
	return ctx_finish_reply(ctx, status);
}

/* --- other media types --- */

/* Only one of each may be sent, and the handler may have added its own. */
static void
set_single_header(struct np_ctx *ctx, const char *name, const char *value)
{
	if (reply_header(&ctx->reply, name))
		misuse_note("np_header() of %s, beside the one of the reply", name);
	else
		reply_set_header(&ctx->reply, name, value);
}

/* RFC 6266: a name in UTF-8, and one for clients that know only ASCII. */
static void
add_file_name(struct np_ctx *ctx, const char *file_name)
{
	const char *name = mem_strndup(ctx, file_name, utf8_cut(file_name, FILE_NAME_MAX_BYTES));
	struct buf header;

	if (!utf8_valid(name, strlen(name), NULL)) {
		misuse_note("a file name that is not UTF-8");
		return;
	}
	buf_init(&header, ctx, REPLY_HEADERS_MAX_BYTES);
	buf_text(&header, "attachment; filename=\"");
	for (const char *c = name; *c; c++)
		buf_char(&header, *c < ' ' || *c > '~' || strchr("\"\\/", *c) ? '_' : *c);
	buf_text(&header, "\"; filename*=UTF-8''");
	buf_percent(&header, name, "");
	set_single_header(ctx, "Content-Disposition", header.data);
}

bool
ctx_begin_content(struct np_ctx *ctx, const char *media_type, const char *file_name)
{
	ctx_begin_reply(ctx, REPLY_JSON);
	if (!media_type || !reply_is_media_type(media_type))
		return ctx_our_fault(ctx, "a reply of what is no media type");
	ctx->reply.content_type = mem_strdup(ctx, media_type);
	if (file_name)
		add_file_name(ctx, file_name);
	return true;
}

bool
np_reply_bytes(struct np_ctx *ctx, enum np_status status, const char *media_type,
               const char *file_name, struct np_bytes content)
{
	if (!ctx_begin_content(ctx, media_type, file_name))
		return false;
	buf_add(&ctx->reply.body, content.bytes, content.size);
	return ctx_finish_reply(ctx, status);
}

bool
np_reply_text(struct np_ctx *ctx, enum np_status status, const char *media_type, const char *text)
{
	if (!text)
		media_type = NULL;
	return np_reply_bytes(ctx, status, media_type, NULL, np_bytes_of(text));
}

bool
np_reply_csv(struct np_ctx *ctx, const struct np_rows *rows, const char *file_name)
{
	if (!ctx_begin_content(ctx, CSV_MEDIA_TYPE, file_name))
		return false;
	if (!rows)
		return ctx_our_fault(ctx, "np_reply_csv() of no result");
	csv_names(&ctx->reply.body, rows);
	for (size_t row = 0; row < np_rows_count(rows); row++)
		csv_row(&ctx->reply.body, rows, row);
	return ctx_finish_reply(ctx, NP_STATUS_OK);
}

/* --- without content --- */

bool
np_reply_redirect(struct np_ctx *ctx, enum np_status status, const char *location)
{
	ctx_begin_reply(ctx, REPLY_JSON);
	if (!reply_is_redirect((int)status) || !location || !*location
	    || strlen(location) > LOCATION_MAX_BYTES)
		return ctx_our_fault(ctx, "np_reply_redirect() with another status, or with a"
		                          " location of no or more than 2,048 bytes");
	for (const char *c = location; *c; c++)
		if (*c <= ' ' || *c > '~')
			return ctx_our_fault(ctx, "np_reply_redirect() to what is no URL");
	set_single_header(ctx, "Location", ctx_location(ctx, mem_strdup(ctx, location)));
	return ctx_finish_reply(ctx, status);
}

bool
np_reply_empty(struct np_ctx *ctx)
{
	ctx_begin_reply(ctx, REPLY_JSON);
	return ctx_finish_reply(ctx, NP_STATUS_NO_CONTENT);
}

/* --- cookies --- */

bool
np_set_cookie(struct np_ctx *ctx, const struct np_cookie *cookie)
{
	struct np_cookie placed = *cookie;
	const char *fault;
	struct buf header;

	if (ctx->answered)
		misuse_note("np_set_cookie() after np_answer()");
	buf_init(&header, ctx, COOKIE_MAX_BYTES);
	if (cookie->path && *cookie->path && cookie->path[1])
		placed.path = ctx_location(ctx, cookie->path);
	fault = cookie_write(&header, &placed);
	if (!fault && header.overflow)
		fault = "it is longer than 4,096 bytes";
	if (fault)
		return np_fail(ctx, NP_ERROR_INTERNAL, "np_set_cookie(): %s", fault);
	return reply_add_header(&ctx->reply, "Set-Cookie", header.data, &ctx->error);
}

/* --- failures --- */

static enum failure
failure_of(int status)
{
	static const struct {
		int status;
		enum failure kind;
	} kinds[] = {
		{ 400, FAILURE_MALFORMED }, { 401, FAILURE_UNAUTHORIZED },
		{ 403, FAILURE_FORBIDDEN }, { 404, FAILURE_NOT_FOUND },
		{ 409, FAILURE_CONFLICT },  { 412, FAILURE_PRECONDITION_FAILED },
		{ 413, FAILURE_TOO_LARGE }, { 415, FAILURE_MEDIA_TYPE },
		{ 429, FAILURE_TOO_MANY },  { 503, FAILURE_UNAVAILABLE },
		{ 504, FAILURE_TIMEOUT },
	};

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (kinds[i].status == status)
			return kinds[i].kind;
	return status < 500 ? FAILURE_INVALID : FAILURE_INTERNAL;
}

bool
np_fail_json(struct np_ctx *ctx, int status, struct np_value body)
{
	struct buf made;

	if (status < 400 || status > 599 || !value_is_json(&body))
		return ctx_our_fault(ctx, "np_fail_json() with a status below 400 or above 599, or"
		                          " of a text that is not JSON");
	if (ctx->answered)
		misuse_note("np_fail_json() after np_answer()");
	buf_init(&made, ctx, REPLY_BODY_MAX_BYTES);
	value_json(&made, body);
	if (made.overflow)
		return ctx_our_fault(ctx, "np_fail_json() of a body that is too large");
	error_fill(&ctx->error, failure_of(status), "Failed with %d", status);
	error_fill_detail(&ctx->error, "the handler failed with %d", status);
	ctx->error.status = status;
	ctx->own_failure = made.data;
	ctx->own_status = status;
	return false;
}
