/* date.h - dates and times in the profile of RFC 3339 5.6, which OpenAPI refers to */
#ifndef NULLPOOL_HTTP_DATE_H
#define NULLPOOL_HTTP_DATE_H

#include "base/attributes.h"

/* 2026-01-31, from the year 0001 on: Postgres has no year 0. */
bool date_valid(const char *text);

/* 2026-01-31T23:59:59.5+02:00. T and Z may be in lower case. Seconds have up to 9 decimals. The
 * offset is below 16 hours, as in Postgres. Second 60 is valid in the last minute of a UTC day;
 * with a fraction it is not if the time itself is 23:59:60, which Postgres refuses. */
bool datetime_valid(const char *text);

#endif
