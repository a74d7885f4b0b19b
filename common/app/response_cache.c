#include "app/response_cache.h"

#include "app/spans.h"
#include "base/log.h"
#include "base/text.h"
#include "http/param_row.h"
#include "http/reply_text.h"
#include "http/table.h"

#define KEY_MAX_BYTES 1024
/* For Redis, after a commit that ended with the request's time. */
#define FORGET_MS 1000
/* Stands for an argument that was not given. No value is written like it, since values are
 * percent-encoded. */
#define ABSENT "%"

/* --- keys --- */

/* The table was checked: it is one of the route's. */
static const struct argument *
argument_named(const struct np_ctx *ctx, const char *name, size_t size)
{
	return &ctx->arguments[param_find(ctx->route->params, name, size) - ctx->route->params];
}

static void
add_argument(struct buf *key, const struct argument *argument)
{
	if (argument->value.text)
		buf_percent(key, argument->value.text, "");
	else
		buf_text(key, ABSENT);
}

/* NULL: it would be too long. */
static const char *
key_of(const struct np_ctx *ctx, void *owner, const char *template)
{
	struct buf key;

	buf_init(&key, owner, KEY_MAX_BYTES);
	buf_percent(&key, ctx->app->settings->app_name, "");
	buf_printf(&key, ":%s:%s:", ctx->app->name, NP_VERSION);
	while (*template) {
		size_t plain = strcspn(template, "{"), name = 0;

		buf_add(&key, template, plain);
		template += plain;
		if (*template) {
			name = strcspn(++template, "}");
			add_argument(&key, argument_named(ctx, template, name));
			template += name + 1;
		}
	}
	return key.overflow ? NULL : key.data;
}

/* --- what may be kept --- */

bool
response_cache_is_wanted(const struct np_route *routes)
{
	for (; routes->method; routes++)
		if (routes->cache)
			return true;
	return false;
}

/* The response headers that come back from Redis. Not one of them sends a client somewhere, gives
 * it a cookie, or tells nginx what to do. */
static bool
is_listed(const char *name)
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
may_be_kept(const struct reply *reply)
{
	for (size_t i = 0; i < reply->header_count; i++)
		if (!is_listed(reply->headers[i].name)) {
			log_printf(LOG_DEBUG, "not kept", "the answer has the header \"%s\"",
			           reply->headers[i].name);
			return false;
		}
	return reply->status == NP_OK;
}

/* --- what a request does with it --- */

bool
response_cache_find(struct np_ctx *ctx)
{
	int64_t start_us = clock_now_us();
	const char *value;
	size_t size;

	if (!ctx->app->cache || !ctx->route->cache)
		return false;
	ctx->cache_key = key_of(ctx, ctx, ctx->route->cache);
	if (!ctx->cache_key)
		return false;
	ctx->cache_found = cache_find(ctx, ctx->app->cache, ctx->deadline, ctx->cache_key, &value,
	                              &size);
	spans_add_cache(ctx, "find", start_us);
	if (ctx->cache_found != CACHE_HIT)
		return false;
	ctx->replied = reply_from_text(&ctx->reply, value, size) && may_be_kept(&ctx->reply);
	/* Another build's idea of a reply. */
	if (!ctx->replied) {
		reply_reset(&ctx->reply);
		ctx->cache_found = CACHE_BYPASS;
	}
	return ctx->replied;
}

/* What may have been done counts as done, whatever the request comes to after it. */
static bool
may_have_written(const struct np_ctx *ctx)
{
	enum transaction_outcome outcome = transaction_outcome(ctx->tx);

	return outcome == OUTCOME_COMMITTED || outcome == OUTCOME_UNKNOWN
	       || outcome == OUTCOME_REPLAYED || ctx->error.kind == NP_AMBIGUOUS;
}

/* At the request's deadline too: a commit is often what it ended in. */
static void
forget(struct np_ctx *ctx)
{
	const char *const *invalidates = ctx->route->invalidates;
	int64_t start_us = clock_now_us();
	struct deadline deadline = deadline_in_ms(FORGET_MS);
	const char *keys[TABLE_INVALIDATES_MAX];
	size_t count = 0;

	for (; invalidates && *invalidates; invalidates++)
		if ((keys[count] = key_of(ctx, ctx, *invalidates)) != NULL)
			count++;
	if (count == 0)
		return;
	if (deadline.at_us < ctx->deadline.at_us)
		deadline = ctx->deadline;
	if (!cache_invalidate(ctx->app->cache, deadline, keys, count))
		log_printf(LOG_WARNING, "not forgotten", "%s: %s", *ctx->route->invalidates,
		           cache_last_error(ctx->app->cache));
	spans_add_cache(ctx, "forget", start_us);
}

void
response_cache_settle(struct np_ctx *ctx, bool good)
{
	if (!ctx->app->cache)
		return;
	if (ctx->route->invalidates && (good || may_have_written(ctx)))
		forget(ctx);
	if (ctx->cache_found != CACHE_LEASE)
		return;
	buf_init(&ctx->kept, ctx, CACHE_VALUE_MAX);
	if (good && may_be_kept(&ctx->reply))
		reply_to_text(&ctx->reply, &ctx->kept);
}

void
response_cache_fill(struct np_ctx *ctx)
{
	int64_t ttl_s, start_us = clock_now_us();

	if (ctx->cache_found != CACHE_LEASE)
		return;
	ttl_s = ctx->route->cache_s > 0 ? ctx->route->cache_s : ctx->app->settings->cache_ttl_s;
	if (ctx->kept.size > 0 && !ctx->kept.overflow)
		cache_fill(ctx->app->cache, ctx->deadline, ctx->cache_key, ctx->kept.data,
		           ctx->kept.size, ttl_s);
	else
		cache_release_lease(ctx->app->cache, ctx->deadline, ctx->cache_key);
	spans_add_cache(ctx, "fill", start_us);
}

const char *
response_cache_word(const struct np_ctx *ctx)
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
	return (struct cache_cost){ now.calls - ctx->cache_before.calls,
		                    now.us - ctx->cache_before.us };
}
