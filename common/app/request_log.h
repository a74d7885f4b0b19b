/* request_log.h - what a finished request leaves behind: one log line, and its counters
 *
 * Both are written after the reply has left, so that no client waits for them.
 */
#ifndef NULLPOOL_APP_REQUEST_LOG_H
#define NULLPOOL_APP_REQUEST_LOG_H

#include "app/ctx.h"

/* Writes the "request" line. `cache` is what the client waited for Redis. */
void request_log_write(const struct np_ctx *ctx, int64_t duration_us,
                       const struct cache_cost *cache);

/* Hands the request's numbers to app->record_request(). */
void request_log_record(const struct np_ctx *ctx, int64_t duration_us);

#endif
