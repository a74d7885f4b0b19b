#include "app/response_cache.h"

#include "app/spans.h"
#include "base/log.h"
#include "base/text.h"
#include "http/param_row.h"
#include "http/reply_text.h"
#include "http/table.h"

#define KEY_MAX_BYTES 1024
/* Redis gets at least this long to delete keys, even if the commit used up the request's time. */
#define INVALIDATE_MS 1000
/* Stands for an argument that was not given. A value cannot look like it, since values are
 * percent-encoded. */
#define ABSENT "%"

/* --- keys --- */

/* The check of the table has made sure that the route has it. */
static const struct argument *
argument_named(const struct np_ctx *ctx, const char *name, size_t size)
{
	return &ctx->arguments[param_find(ctx->route->params, name, size)];
}

static void
add_argument(struct buf *key, const struct argument *argument)
{
	if (argument->value.text)
		buf_percent(key, argument->value.text, "");
	else
		buf_text(key, ABSENT);
}

/* Returns the key with the arguments filled in; NULL: it is too long. */
static const char *
make_key(const struct np_ctx *ctx, void *owner, const char *template)
{
	struct text_part part;
	struct buf key;

	buf_init(&key, owner, KEY_MAX_BYTES);
	buf_percent(&key, ctx->app->settings->app_name, "");
	buf_printf(&key, ":%s:%s:", ctx->app->name, NP_VERSION);
	while (text_next_part(&template, &part)) {
		buf_add(&key, part.plain, part.plain_size);
		if (part.name)
			add_argument(&key, argument_named(ctx, part.name, part.name_size));
	}
	return key.overflow ? NULL : key.data;
}

/* --- what may be stored --- */

bool
response_cache_is_used(const struct route_table *routes)
{
	for (size_t i = 0; i < routes->count; i++)
		if (routes->items[i].cache.key)
			return true;
	return false;
}

/* The response headers that may come back from Redis. None of them redirects a client, sets a
 * cookie, or tells nginx what to do. */
static bool
is_storable_header(const char *name)
{
	static const char *const listed[] = { "Cache-Control",
		                              "Content-Disposition",
		                              "Content-Language",
		                              "Deprecation",
		                              "ETag",
		                              "Expires",
		                              "Last-Modified",
		                              "Link",
		                              "Sunset",
		                              "Vary",
		                              "X-Total-Count" };

	for (size_t i = 0; i < COUNT_OF(listed); i++)
		if (text_equal_nocase(name, listed[i]))
			return true;
	return false;
}

static bool
may_be_stored(const struct reply *reply)
{
	for (size_t i = 0; i < reply->header_count; i++)
		if (!is_storable_header(reply->headers[i].name)) {
			log_printf(LOG_DEBUG, "response not cached", "it has the header \"%s\"",
			           reply->headers[i].name);
			return false;
		}
	return reply->status == NP_STATUS_OK;
}

/* --- the steps of a request --- */

bool
response_cache_find(struct np_ctx *ctx)
{
	int64_t start_us = clock_now_us();
	const char *value;
	size_t size;

	if (!ctx->app->cache || !ctx->route->cache.key)
		return false;
	ctx->cache_key = make_key(ctx, ctx, ctx->route->cache.key);
	if (!ctx->cache_key)
		return false;
	ctx->cache_found = cache_find(ctx, ctx->app->cache, ctx->deadline, ctx->cache_key, &value,
	                              &size);
	spans_add_cache(ctx, "find", start_us);
	if (ctx->cache_found != CACHE_HIT)
		return false;
	ctx->replied = reply_from_text(&ctx->reply, value, size) && may_be_stored(&ctx->reply);
	/* It was stored by another build that writes replies differently. */
	if (!ctx->replied) {
		reply_reset(&ctx->reply);
		ctx->cache_found = CACHE_BYPASS;
	}
	return ctx->replied;
}

/* Returns true if the write may have been committed, whatever the request failed with later. */
static bool
may_have_written(const struct np_ctx *ctx)
{
	enum request_outcome outcome = attempts_outcome(ctx);

	return outcome == OUTCOME_COMMITTED || outcome == OUTCOME_UNKNOWN
	       || outcome == OUTCOME_REPLAYED || ctx->error.kind == FAILURE_AMBIGUOUS;
}

/* Runs at the request's deadline too: a request often runs out of time in its commit. */
static void
invalidate_keys(struct np_ctx *ctx)
{
	const struct np_names *invalidates = ctx->route->cache.invalidates;
	int64_t start_us = clock_now_us();
	struct deadline deadline = deadline_in_ms(INVALIDATE_MS);
	const char *keys[TABLE_INVALIDATES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < invalidates->count; i++)
		if ((keys[count] = make_key(ctx, ctx, invalidates->items[i])) != NULL)
			count++;
	if (count == 0)
		return;
	if (deadline.at_us < ctx->deadline.at_us)
		deadline = ctx->deadline;
	if (!cache_invalidate(ctx->app->cache, deadline, keys, count))
		log_printf(LOG_WARNING, "cached response not invalidated", "%s: %s",
		           invalidates->items[0], cache_last_error(ctx->app->cache));
	spans_add_cache(ctx, "forget", start_us);
}

void
response_cache_settle(struct np_ctx *ctx, bool succeeded)
{
	if (!ctx->app->cache)
		return;
	if (ctx->route->cache.invalidates && (succeeded || may_have_written(ctx)))
		invalidate_keys(ctx);
	if (ctx->cache_found != CACHE_LEASE)
		return;
	buf_init(&ctx->cache_value, ctx, CACHE_VALUE_MAX);
	if (succeeded && may_be_stored(&ctx->reply))
		reply_to_text(&ctx->reply, &ctx->cache_value);
}

void
response_cache_fill(struct np_ctx *ctx)
{
	int64_t ttl_s, start_us = clock_now_us();

	if (ctx->cache_found != CACHE_LEASE)
		return;
	ttl_s = ctx->route->cache.ttl_s > 0 ? ctx->route->cache.ttl_s
	                                    : ctx->app->settings->cache_ttl_s;
	if (ctx->cache_value.size > 0 && !ctx->cache_value.overflow)
		cache_fill(ctx->app->cache, ctx->deadline, ctx->cache_key, ctx->cache_value.data,
		           ctx->cache_value.size, ttl_s);
	else
		cache_release_lease(ctx->app->cache, ctx->deadline, ctx->cache_key);
	spans_add_cache(ctx, "fill", start_us);
}

const char *
response_cache_status(const struct np_ctx *ctx)
{
	return ctx->cache_key ? cache_result_names[ctx->cache_found] : NULL;
}

struct cache_cost
response_cache_cost(const struct np_ctx *ctx)
{
	struct cache_cost now;

	if (!ctx->app->cache)
		return (struct cache_cost){ .calls = 0 };
	now = cache_cost(ctx->app->cache);
	return (struct cache_cost){ now.calls - ctx->cache_cost_at_start.calls,
		                    now.us - ctx->cache_cost_at_start.us };
}
