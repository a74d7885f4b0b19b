/* connection_budget.h - how many connections the endpoints may open, and how many the server has
 *
 * An endpoint may open one connection for each worker: DATABASE_POOL_SIZE and DATABASE_MAX_OVERFLOW
 * together. The endpoints that share a run directory share the server.
 */
#ifndef NULLPOOL_OBSERVE_CONNECTION_BUDGET_H
#define NULLPOOL_OBSERVE_CONNECTION_BUDGET_H

#include "base/buf.h"
#include "config/settings.h"

/* An SQL expression: how many clients the server accepts, without the connections it reserves. */
#define CONNECTION_BUDGET_SERVER_SQL                                \
	"(current_setting('max_connections')::int"                  \
	" - current_setting('superuser_reserved_connections')::int" \
	" - coalesce(current_setting('reserved_connections', true), '0')::int)"

/* Logs the maximum of this endpoint, the sum of all endpoints in the directory (NULL: unknown) and
 * what the server accepts (0: unknown); as a warning if the sum is larger. */
void connection_budget_log(const struct settings *settings, const char *directory,
                           int64_t server_connections);

/* Returns the sum of the maxima of all endpoints that run in the directory, except the one called
 * `without` (NULL: of all). Appends each to `names` (may be NULL) as ", name maximum", and each
 * whose scoreboard was refused to `left_out` (may be NULL) as ", name: reason". */
int64_t connection_budget_sum(const char *directory, const char *without, struct buf *names,
                              struct buf *left_out);

#endif
