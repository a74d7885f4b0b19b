/* request_stats.h - the numbers of one finished request, for counters */
#ifndef NULLPOOL_APP_REQUEST_STATS_H
#define NULLPOOL_APP_REQUEST_STATS_H

#include "app/attempts.h"
#include "cache/cache.h"
#include "db/transaction.h"

struct request_stats {
	const struct np_route *route; /* NULL: no route was found */
	int status;
	int64_t duration_us;
	int64_t queue_ms;                        /* -1: unknown */
	const struct transaction_counts *counts; /* NULL: there was no transaction */
	enum request_outcome outcome;
	bool cached; /* the response has a key in Redis, and cache_found is set */
	enum cache_result cache_found;
};

#endif
