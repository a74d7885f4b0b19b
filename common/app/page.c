#include "app/page.h"

#include <inttypes.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/misuse.h"
#include "http/cursor.h"
#include "http/param_faults.h"
#include "http/param_row.h"

#define LINK_MAX_BYTES 3072 /* leaves room for the other headers; a longer one is left out */
#define SEAL_BYTES     17   /* 64 bits as hexadecimal digits, and a NUL */
#define SEAL_PURPOSE   "nullpool: cursors, 1"

static bool
selects_rows(const struct np_param *param)
{
	return param->type != NP_TYPE_CURSOR && strcmp(param->name, "limit") != 0;
}

/* Writes the seal of a cursor. It covers the route, all arguments that say which rows come in which
 * order, and the keys. `cursor` has CURSOR_KEYS_MAX parts: the place of the seal, the keys, and
 * NULL for each key that is unused. If `secret` is NULL, the seal only detects accidental changes.
 */
static void
write_seal(const struct np_ctx *ctx, const char *secret, const char *const *cursor,
           char seal[HASH_TEXT_BYTES])
{
	unsigned char key[HASH_KEY_BYTES];
	struct hash_part *parts;
	size_t count = 0, params = param_count(ctx->route->params);

	parts = mem_array(ctx->reply.owner, struct hash_part, 1 + params + CURSOR_KEYS_MAX);
	parts[count++] = hash_part_of(ctx->route->path);
	for (size_t i = 0; i < params; i++)
		if (selects_rows(ctx->arguments[i].param))
			parts[count++] = hash_part_of(ctx->arguments[i].value.text);
	for (size_t i = 1; i < CURSOR_KEYS_MAX; i++)
		parts[count++] = hash_part_of(cursor[i]);
	if (secret)
		hash_derive_key(secret, SEAL_PURPOSE, key);
	hash_parts(secret ? key : NULL, parts, count, seal);
	seal[SEAL_BYTES - 1] = '\0';
	mem_free(parts);
}

static bool
is_sealed_with(const struct np_ctx *ctx, const char *secret, const char *const *cursor)
{
	char seal[HASH_TEXT_BYTES];

	write_seal(ctx, secret, cursor, seal);
	return cursor[0] && strlen(cursor[0]) == SEAL_BYTES - 1
	       && bytes_equal(cursor[0], seal, SEAL_BYTES - 1);
}

static bool
has_valid_seal(const struct np_ctx *ctx, const char *const *cursor)
{
	const struct settings *settings = ctx->app->settings;

	return is_sealed_with(ctx, settings->secret_key, cursor)
	       || (settings->secret_key_previous
	           && is_sealed_with(ctx, settings->secret_key_previous, cursor));
}

bool
page_check(struct np_ctx *ctx)
{
	for (size_t i = 0; i < param_count(ctx->route->params); i++) {
		const struct argument *argument = &ctx->arguments[i];

		if (argument->param->type != NP_TYPE_CURSOR || !argument->given
		    || has_valid_seal(ctx, argument->cursor))
			continue;
		param_faults_add(&ctx->faults, argument->param->in, argument->param->name,
		                 "must be the \"next\" of a page with the same other parameters");
		return param_faults_error(&ctx->faults, &ctx->error);
	}
	return true;
}

struct np_value
np_cursor_key(const struct np_ctx *ctx, const struct np_param *param, size_t key)
{
	size_t index = param_index(ctx->route->params, param);

	if (!ctx->arguments || index == PARAM_NONE || param->type != NP_TYPE_CURSOR
	    || key >= CURSOR_KEYS_MAX - 1) {
		misuse_note("np_cursor_key() of key %zu of parameter \"%s\", which is not an"
		            " NP_TYPE_CURSOR of the route with that many keys",
		            key, param ? param->name : "NULL");
		return np_null();
	}
	return np_text(ctx->arguments[index].cursor[key + 1]);
}

/* Returns the cursor after that row; NULL: a key is null, or the keys are too long. */
static const char *
cursor_after(struct np_ctx *ctx, const struct np_rows *rows, size_t row,
             const struct np_names *keys)
{
	const char *texts[CURSOR_KEYS_MAX] = { NULL };
	char seal[HASH_TEXT_BYTES];
	struct buf cursor;
	size_t count = 1;

	for (size_t i = 0; i < keys->count; i++) {
		texts[count] = np_field(rows, row, keys->items[i]).text;
		if (!texts[count++])
			return NULL;
	}
	write_seal(ctx, ctx->app->settings->secret_key, texts, seal);
	texts[0] = seal;
	buf_init(&cursor, ctx, CURSOR_MAX_BYTES);
	cursor_write(&cursor, texts, count);
	return cursor.overflow ? NULL : cursor.data;
}

static void
add_query_pair(struct buf *link, const char *separator, const char *name, const char *value)
{
	buf_text(link, separator);
	buf_percent(link, name, "");
	buf_char(link, '=');
	buf_percent(link, value, "");
}

/* Returns the name of the route's cursor parameter, or NULL. */
static const char *
cursor_name(const struct np_route *route)
{
	for (size_t i = 0; i < param_count(route->params); i++)
		if (route->params->items[i]->type == NP_TYPE_CURSOR)
			return route->params->items[i]->name;
	return NULL;
}

/* RFC 8288: the same URL with another cursor. It is encoded again from the decoded parts, so no
 * byte of the request can end the header. */
static void
add_link(struct np_ctx *ctx, const char *cursor)
{
	const struct target *target = &ctx->target;
	const char *name = cursor_name(ctx->route), *separator = "?";
	struct buf link;

	buf_init(&link, ctx, LINK_MAX_BYTES);
	buf_char(&link, '<');
	buf_text(&link, ctx->app->settings->api_prefix);
	for (size_t i = 0; i < target->segment_count; i++) {
		buf_char(&link, '/');
		buf_percent(&link, target->segments[i], "");
	}
	for (size_t i = 0; i < target->query_count; i++) {
		if (strcmp(target->query[i].name, name) == 0)
			continue;
		add_query_pair(&link, separator, target->query[i].name, target->query[i].value);
		separator = "&";
	}
	add_query_pair(&link, separator, name, cursor);
	buf_text(&link, ">; rel=\"next\"");
	if (!link.overflow)
		reply_set_header(&ctx->reply, "Link", link.data);
}

/* A key that is no column is told with any rows, not only by a page with a next one. */
static bool
check_keys(const struct np_ctx *ctx, const struct np_rows *rows, const struct np_names *keys,
           bool has_next)
{
	size_t count = keys ? keys->count : 0;

	if (has_next && !cursor_name(ctx->route))
		misuse_note("a page with a next one in a route without an NP_TYPE_CURSOR");
	if (count > CURSOR_KEYS_MAX - 1 || (has_next && count == 0))
		misuse_note("np_reply_page() by %zu keys: there may be 1 to %d", count,
		            CURSOR_KEYS_MAX - 1);
	for (size_t i = 0; np_rows_count(rows) > 0 && i < count; i++)
		(void)np_field(rows, 0, keys->items[i]);
	return !misuse_noted();
}

bool
np_reply_page(struct np_ctx *ctx, const struct np_rows *rows, int64_t limit,
              const struct np_names *keys)
{
	struct buf *out = &ctx->reply.body;
	size_t count = np_rows_count(rows), shown = count;
	const char *cursor = NULL;

	if (limit <= 0)
		return np_fail(ctx, NP_ERROR_INTERNAL,
		               "np_reply_page() of at most %" PRId64 " rows", limit);
	if (count > (size_t)limit)
		shown = (size_t)limit;
	if (!rows || !check_keys(ctx, rows, keys, shown < count))
		return np_fail(ctx, NP_ERROR_INTERNAL, "np_reply_page() of what is no page");
	if (!ctx_check_columns(ctx, rows))
		return false;
	ctx_begin_reply(ctx, REPLY_JSON);
	buf_text(out, "{\"items\":");
	rows_json_list(rows, shown, NULL, out);
	buf_text(out, ",\"next\":");
	if (shown < count) {
		cursor = cursor_after(ctx, rows, shown - 1, keys);
		if (!cursor)
			return np_fail(ctx, NP_ERROR_INTERNAL,
			               "a page's key is null, or its keys are too long");
		buf_json_text(out, cursor);
		add_link(ctx, cursor);
	} else {
		buf_text(out, "null");
	}
	buf_char(out, '}');
	return ctx_finish_reply(ctx, NP_STATUS_OK);
}
