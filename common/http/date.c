#include "http/date.h"

#include "base/text.h"

#define OFFSET_HOURS_MAX 15 /* Postgres' own is 15:59:59 */

/* Exactly `digits` of them; moves *at behind them. */
static bool
read_number(const char **at, int digits, int least, int most, int *number)
{
	*number = 0;
	for (int i = 0; i < digits; i++, ++*at) {
		if (!text_is_digit(**at))
			return false;
		*number = *number * 10 + (**at - '0');
	}
	return *number >= least && *number <= most;
}

static bool
read_char(const char **at, const char *allowed)
{
	if (!**at || !strchr(allowed, **at))
		return false;
	++*at;
	return true;
}

static int
days_of(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool
read_date(const char **at)
{
	int year, month, day;

	return read_number(at, 4, 1, 9999, &year) && read_char(at, "-") && read_number(at, 2, 1, 12, &month)
	       && read_char(at, "-") && read_number(at, 2, 1, days_of(year, month), &day);
}

static bool
read_time(const char **at)
{
	int hour, minute, second, decimals = 0;
	bool fraction = false;

	if (!read_number(at, 2, 0, 23, &hour) || !read_char(at, ":") || !read_number(at, 2, 0, 59, &minute)
	    || !read_char(at, ":") || !read_number(at, 2, 0, 60, &second) || (second == 60 && minute != 59))
		return false;
	if (!read_char(at, "."))
		return true;
	for (; text_is_digit(**at); ++*at) {
		decimals++;
		fraction = fraction || **at != '0';
	}
	/* Of a leap second Postgres takes the beginning. */
	return decimals >= 1 && decimals <= 9 && !(second == 60 && fraction);
}

static bool
read_offset(const char **at)
{
	int hours, minutes;

	return read_char(at, "Zz")
	       || (read_char(at, "+-") && read_number(at, 2, 0, OFFSET_HOURS_MAX, &hours)
	           && read_char(at, ":") && read_number(at, 2, 0, 59, &minutes));
}

bool
date_valid(const char *text)
{
	return read_date(&text) && !*text;
}

bool
datetime_valid(const char *text)
{
	return read_date(&text) && read_char(&text, "Tt") && read_time(&text) && read_offset(&text) && !*text;
}
