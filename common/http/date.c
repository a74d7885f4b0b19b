#include "http/date.h"

#include "base/text.h"

#define OFFSET_HOURS_MAX 15 /* the maximum of Postgres is 15:59:59 */
#define DAY_MIN          (24 * 60)

/* Reads exactly this many digits, and moves *at behind them. */
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
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool
read_date(const char **at)
{
	int year, month, day;

	return read_number(at, 4, 1, 9999, &year) && read_char(at, "-")
	       && read_number(at, 2, 1, 12, &month) && read_char(at, "-")
	       && read_number(at, 2, 1, days_in_month(year, month), &day);
}

struct moment {
	int hour, minute, second;
	bool fraction;  /* other than 0 */
	int offset_min; /* from UTC */
};

static bool
read_time(const char **at, struct moment *moment)
{
	int decimals = 0;

	if (!read_number(at, 2, 0, 23, &moment->hour) || !read_char(at, ":")
	    || !read_number(at, 2, 0, 59, &moment->minute) || !read_char(at, ":")
	    || !read_number(at, 2, 0, 60, &moment->second))
		return false;
	moment->fraction = false;
	if (!read_char(at, "."))
		return true;
	for (; text_is_digit(**at); ++*at) {
		decimals++;
		moment->fraction = moment->fraction || **at != '0';
	}
	return decimals >= 1 && decimals <= 9;
}

static bool
read_offset(const char **at, struct moment *moment)
{
	int hours, minutes, sign = **at == '-' ? -1 : 1;

	moment->offset_min = 0;
	if (read_char(at, "Zz"))
		return true;
	if (!read_char(at, "+-") || !read_number(at, 2, 0, OFFSET_HOURS_MAX, &hours)
	    || !read_char(at, ":") || !read_number(at, 2, 0, 59, &minutes))
		return false;
	moment->offset_min = sign * (hours * 60 + minutes);
	return true;
}

/* A leap second is the last second of a UTC day. Postgres checks the time before it applies the
 * offset: it refuses a fraction after 23:59:60, which would be in the next day. */
static bool
is_second_valid(const struct moment *moment)
{
	int utc_min = moment->hour * 60 + moment->minute - moment->offset_min;

	if (moment->second < 60)
		return true;
	if ((utc_min + DAY_MIN) % DAY_MIN != DAY_MIN - 1)
		return false;
	return !(moment->fraction && moment->hour == 23 && moment->minute == 59);
}

bool
date_valid(const char *text)
{
	return read_date(&text) && !*text;
}

bool
datetime_valid(const char *text)
{
	struct moment moment;

	return read_date(&text) && read_char(&text, "Tt") && read_time(&text, &moment)
	       && read_offset(&text, &moment) && !*text && is_second_valid(&moment);
}
