/* date.h - dates and times as RFC 3339 5.6 writes them, the profile that OpenAPI means */
#ifndef NULLPOOL_HTTP_DATE_H
#define NULLPOOL_HTTP_DATE_H

#include "base/attributes.h"

/* 2026-01-31, of a year from 0001 on (Postgres has no year 0). */
bool date_valid(const char *text);

/* 2026-01-31T23:59:59.5+02:00; T and Z in either case, a leap second at 59 minutes (without a
 * fraction, as in Postgres), seconds with up to 9 decimals, offsets that Postgres takes too (below
 * 16 hours). */
bool datetime_valid(const char *text);

#endif
