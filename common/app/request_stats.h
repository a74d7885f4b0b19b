/* request_stats.h - what a request came to, for those who count */
#ifndef NULLPOOL_APP_REQUEST_STATS_H
#define NULLPOOL_APP_REQUEST_STATS_H

#include "cache/cache.h"
#include "db/transaction.h"

struct request_stats {
	const struct np_route *route; /* NULL: none was found */
	int status;
	int64_t duration_us;
	int64_t queue_ms;                        /* -1: unknown */
	const struct transaction_counts *counts; /* NULL: there was no transaction */
	enum transaction_outcome outcome;
	bool cached; /* it has a key in the cache: */
	enum cache_result cache_found;
};

#endif
