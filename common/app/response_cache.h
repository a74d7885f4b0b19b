/* response_cache.h - responses stored in Redis, as a route's table says: `.cache.key`,
 * `.cache.ttl_s`, `.cache.invalidates`
 *
 * A key is "app:endpoint:version:" and the route's own key with the arguments filled in. A hit
 * needs no database connection. A write deletes the keys that it invalidates after its commit and
 * before its reply, so its client reads the new state. If Redis is away at that moment, the log
 * says so, and the old response may be served until its time to live ends.
 *
 * A request calls the functions in this order: find, settle, fill.
 */
#ifndef NULLPOOL_APP_RESPONSE_CACHE_H
#define NULLPOOL_APP_RESPONSE_CACHE_H

#include "app/ctx.h"

/* Returns true if any route has a cache key. */
bool response_cache_is_used(const struct route_table *routes);

/* Looks for the response in Redis. Returns true if it was there: it is the reply now, and the
 * handler need not run. */
bool response_cache_find(struct np_ctx *ctx);

/* After the handler and its commit, before the reply is sent. Deletes what the route invalidates,
 * and keeps a copy of the reply, as the handler made it, for response_cache_fill(). */
void response_cache_settle(struct np_ctx *ctx, bool succeeded);

/* Stores the response if response_cache_find() missed it. Runs after the reply has left, so that
 * nobody waits for it. */
void response_cache_fill(struct np_ctx *ctx);

/* Returns "hit", "miss" or "away" for the log; NULL: the route has no cache key, or there is no
 * Redis. */
const char *response_cache_status(const struct np_ctx *ctx);

/* Returns what the request has waited for Redis so far. */
struct cache_cost response_cache_cost(const struct np_ctx *ctx);

#endif
