/* connection_budget.h - what this endpoint, and all that share its run directory, may ask of the
 * server */
#ifndef NULLPOOL_OBSERVE_CONNECTION_BUDGET_H
#define NULLPOOL_OBSERVE_CONNECTION_BUDGET_H

#include "base/buf.h"
#include "config/settings.h"

/* An SQL expression: how many clients the server accepts, without the connections it reserves. */
#define CONNECTION_BUDGET_SERVER_SQL                                \
	"(current_setting('max_connections')::int"                  \
	" - current_setting('superuser_reserved_connections')::int" \
	" - coalesce(current_setting('reserved_connections', true), '0')::int)"

/* One line: this endpoint's most connections, the sum of all in the directory (NULL: not known) and
 * what the server has (0: not known); a warning when the sum is more. */
void connection_budget_log(const struct settings *settings, const char *directory,
                           int64_t server_connections);

/* The most connections of all endpoints that run in the directory, but the one of that name (NULL:
 * of all). Each is added to `names` (NULL: not wanted) as ", name most", and each whose scoreboard
 * was refused to `left_out` as ", name: why". */
int64_t connection_budget_sum(const char *directory, const char *without, struct buf *names,
                              struct buf *left_out);

#endif
