#include "http/date.h"
#include "unit.h"

static const struct date_row {
	const char *about;
	const char *text;
	bool date, datetime;
} date_rows[] = {
	{ "a day", "2026-01-31", true, false },
	{ "the first year", "0001-01-01", true, false },
	{ "the last year", "9999-12-31", true, false },
	{ "29 February of a leap year", "2024-02-29", true, false },
	{ "29 February of a common year", "2026-02-29", false, false },
	{ "29 February of a century", "1900-02-29", false, false },
	{ "29 February of a century that 400 divides", "2000-02-29", true, false },
	{ "31 April", "2026-04-31", false, false },
	{ "month 13", "2026-13-01", false, false },
	{ "month 0", "2026-00-01", false, false },
	{ "day 0", "2026-01-00", false, false },
	{ "year 0", "0000-01-01", false, false },
	{ "short month", "2026-1-01", false, false },
	{ "no dashes", "20260131", false, false },
	{ "a letter after it", "2026-01-31x", false, false },
	{ "space before", " 2026-01-31", false, false },
	{ "a word", "today", false, false },
	{ "empty", "", false, false },

	{ "UTC", "2026-01-31T23:59:59Z", false, true },
	{ "small letters", "2026-01-31t23:59:59z", false, true },
	{ "an offset", "2026-01-31T23:59:59+02:00", false, true },
	{ "an offset to the west", "2026-01-31T23:59:59-15:59", false, true },
	{ "an offset that Postgres does not take", "2026-01-31T23:59:59+16:00", false, false },
	{ "decimals", "2026-01-31T23:59:59.123456789Z", false, true },
	{ "ten decimals", "2026-01-31T23:59:59.1234567890Z", false, false },
	{ "a point without decimals", "2026-01-31T23:59:59.Z", false, false },
	{ "a leap second", "2016-12-31T23:59:60Z", false, true },
	{ "a leap second with zeros", "2016-12-31T23:59:60.000Z", false, true },
	{ "a leap second with a fraction, which Postgres does not take", "2016-12-31T23:59:60.5Z",
	  false, false },
	{ "second 60 of another minute", "2016-12-31T23:58:60Z", false, false },
	{ "minute 59 of another hour", "2016-12-31T22:59:60Z", false, false },
	{ "a leap second to the west", "1998-12-31T15:59:60-08:00", false, true },
	{ "a leap second to the west with a fraction", "1998-12-31T15:59:60.123-08:00", false,
	  true },
	{ "a leap second to the east", "2017-01-01T05:29:60.5+05:30", false, true },
	{ "a leap second far to the west", "2016-12-31T08:00:60-15:59", false, true },
	{ "a leap second far to the east", "2017-01-01T15:58:60+15:59", false, true },
	{ "midnight to the west is no leap second", "1998-12-31T23:59:60-08:00", false, false },
	{ "midnight to the east is no leap second", "1998-12-31T23:59:60+08:00", false, false },
	{ "an offset of minus zero", "1998-12-31T23:59:60-00:00", false, true },
	{ "second 61", "2016-12-31T23:59:61Z", false, false },
	{ "hour 24", "2026-01-31T24:00:00Z", false, false },
	{ "minute 60", "2026-01-31T23:60:00Z", false, false },
	{ "no offset", "2026-01-31T23:59:59", false, false },
	{ "a space instead of the T", "2026-01-31 23:59:59Z", false, false },
	{ "no seconds", "2026-01-31T23:59Z", false, false },
	{ "a letter after the time", "2026-01-31T23:59:59Zx", false, false },
	{ "a day that does not exist", "2026-02-30T00:00:00Z", false, false },
};

static void
each_text_is_a_date_a_time_or_neither(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(date_rows); i++) {
		const struct date_row *row = &date_rows[i];

		row_int(row, date_valid(row->text), row->date);
		row_int(row, datetime_valid(row->text), row->datetime);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_text_is_a_date_a_time_or_neither),
	};

	return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
