/* SPDX-License-Identifier: ISC */
#include "base/date.h"

#define DATE_DAY  86400u
#define DATE_LAST 253402300799u /* 9999-12-31T23:59:59Z; anything later prints as this */

struct civil {
	uint32_t year, month, day; /* month and day count from 1 */
	uint32_t hour, minute, second;
	uint32_t weekday; /* 0: Sunday */
};

static bool is_leap(uint32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static uint32_t days_in_month(uint32_t year, uint32_t month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

static uint32_t leap_days_before(uint32_t year)
{
	year--;
	return year / 4 - year / 100 + year / 400;
}

/* Days from 1970-01-01 to the first day of that year. */
static uint32_t days_to_year(uint32_t year)
{
	return (year - 1970) * 365 + leap_days_before(year) - leap_days_before(1970);
}

uint32_t date_year(uint64_t seconds)
{
	uint32_t days = (uint32_t)((seconds > DATE_LAST ? DATE_LAST : seconds) / DATE_DAY);
	uint32_t year = 1970 + days / 366;

	while (days_to_year(year + 1) <= days)
		year++;
	return year;
}

uint32_t date_days(uint32_t year, uint32_t month)
{
	uint32_t days = days_to_year(year);

	for (uint32_t m = 1; m < month; m++)
		days += days_in_month(year, m);
	return days;
}

static struct civil civil_from(uint64_t seconds)
{
	struct civil c = { 0 };
	uint32_t days, clock;

	if (seconds > DATE_LAST)
		seconds = DATE_LAST;
	days = (uint32_t)(seconds / DATE_DAY);
	clock = (uint32_t)(seconds % DATE_DAY);
	c.hour = clock / 3600;
	c.minute = clock / 60 % 60;
	c.second = clock % 60;
	c.weekday = (days + 4) % 7;
	c.year = date_year(seconds);
	days -= days_to_year(c.year);
	for (c.month = 1; days >= days_in_month(c.year, c.month); c.month++)
		days -= days_in_month(c.year, c.month);
	c.day = days + 1;
	return c;
}

static void print_clock(struct fmt *f, const struct civil *c)
{
	fmt_add(f, "%02u:%02u:%02u", c->hour, c->minute, c->second);
}

void date_rfc5322(struct fmt *f, uint64_t seconds)
{
	static const char weekday[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char month[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	struct civil c = civil_from(seconds);

	fmt_add(f, "%s, %u %s %04u ", weekday[c.weekday], c.day, month[c.month - 1], c.year);
	print_clock(f, &c);
	fmt_str(f, " +0000");
}

void date_rfc3339(struct fmt *f, uint64_t seconds)
{
	struct civil c = civil_from(seconds);

	fmt_add(f, "%04u-%02u-%02uT", c.year, c.month, c.day);
	print_clock(f, &c);
	fmt_char(f, 'Z');
}
