/* response_cache.h - answers that are kept in Redis, as a route's table says: `cache`, `cache_s`,
 * `invalidates`
 *
 * A key is "app:endpoint:version:" and the route's own, with the arguments in it. A hit needs no
 * database connection. What a write made wrong is forgotten after its commit and before its reply,
 * so that its client reads the new state; when Redis is away just then the log says so, and the old
 * answer may be seen for as long as it lives.
 */
#ifndef NULLPOOL_APP_RESPONSE_CACHE_H
#define NULLPOOL_APP_RESPONSE_CACHE_H

#include "app/ctx.h"

/* Whether any route of the program keeps its answers. */
bool response_cache_is_wanted(const struct np_route *routes);

/* Before the handler. True: the reply is there. */
bool response_cache_find(struct np_ctx *ctx);

/* After it, and its commit, with the reply as the handler made it. */
void response_cache_settle(struct np_ctx *ctx, bool good);

/* After the reply has left, since nobody need wait for it: what was not found is kept now. */
void response_cache_fill(struct np_ctx *ctx);

/* "hit", "miss", …; NULL: the request had nothing to do with it. */
const char *response_cache_word(const struct np_ctx *ctx);

/* What the request has waited for Redis so far. */
struct cache_cost response_cache_cost(const struct np_ctx *ctx);

#endif
