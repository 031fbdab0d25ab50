/* SPDX-License-Identifier: ISC */
#include "base/zone.h"

#include "base/date.h"

#include <string.h>

#define HOUR 3600
#define DAY 86400

/* ---- rules ---- */

static bool take(struct bytes *x, uint8_t c)
{
	if (x->n == 0 || x->p[0] != c)
		return false;
	*x = bytes_skip(*x, 1);
	return true;
}

static bool take_number(struct bytes *x, int32_t *out)
{
	int32_t v = 0;

	if (x->n == 0 || !byte_is_digit(x->p[0]))
		return false;
	while (x->n > 0 && byte_is_digit(x->p[0]) && v < 1000) {
		v = v * 10 + (x->p[0] - '0');
		*x = bytes_skip(*x, 1);
	}
	*out = v;
	return true;
}

/* "CET", "<+03>" */
static bool take_name(struct bytes *x)
{
	bool quoted = take(x, '<');
	size_t n = 0;

	while (n < x->n && (quoted ? x->p[n] != '>' : byte_is_alpha(x->p[n])))
		n++;
	*x = bytes_skip(*x, n);
	return n >= 3 && (!quoted || take(x, '>'));
}

/* "-1", "3:30", "+10:00:00" in seconds. */
static bool take_time(struct bytes *x, int32_t *out)
{
	bool minus = take(x, '-');
	int32_t part, sum, unit;

	if (!minus)
		(void)take(x, '+');
	if (!take_number(x, &part))
		return false;
	sum = part * HOUR;
	for (unit = 60; unit > 0 && take(x, ':') && take_number(x, &part); unit /= 60)
		sum += part * unit;
	*out = minus ? -sum : sum;
	return true;
}

/* ",M3.5.0/2": seconds since 1970 at which that is in the year, as the clocks there have it. */
static bool take_change(struct bytes *x, uint32_t year, int64_t *out)
{
	int32_t month, week, day, time = 2 * HOUR, at;
	uint32_t first;

	if (!take(x, ',') || !take(x, 'M') || !take_number(x, &month) || !take(x, '.') ||
	    !take_number(x, &week) || !take(x, '.') || !take_number(x, &day) ||
	    month < 1 || month > 12 || week < 1 || week > 5 || day > 6)
		return false;
	if (take(x, '/') && !take_time(x, &time))
		return false;
	first = date_days(year, (uint32_t)month);
	at = (day + 7 - (int32_t)((first + 4) % 7)) % 7 + (week - 1) * 7;
	if (first + (uint32_t)at >= date_days(year, (uint32_t)month + 1))
		at -= 7;
	*out = ((int64_t)first + at) * DAY + time;
	return true;
}

bool zone_by_rule(struct bytes rule, uint64_t wall, int32_t *offset)
{
	int32_t winter, summer;
	int64_t begin, end, now = (int64_t)wall;
	uint32_t year;

	if (!take_name(&rule) || !take_time(&rule, &winter))
		return false;
	*offset = -winter;
	if (!take_name(&rule))
		return true;
	summer = winter - HOUR;
	(void)take_time(&rule, &summer);
	year = date_year(now < winter ? 0 : (uint64_t)(now - winter));
	if (!take_change(&rule, year, &begin) || !take_change(&rule, year, &end))
		return true;
	begin += winter;
	end += summer;
	if (begin < end ? now >= begin && now < end : now >= begin || now < end)
		*offset = -summer;
	return true;
}

/* ---- files ---- */

#define HEADER 44

static uint64_t big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* The counts of a header, in the order in which they stand there. */
enum { COUNT_UT, COUNT_STD, COUNT_LEAP, COUNT_TIMES, COUNT_TYPES, COUNT_CHARS, COUNTS };

/*
 * The octets behind a header at the front of x, whose times take `width` octets; 0 where there is
 * none.
 */
static size_t read_header(struct bytes x, size_t width, uint32_t count[COUNTS])
{
	if (x.n < HEADER || memcmp(x.p, "TZif", 4) != 0 || x.p[4] < '2')
		return 0;
	for (unsigned i = 0; i < COUNTS; i++) {
		count[i] = (uint32_t)big_endian(x.p + 20 + 4 * i, 4);
		if (count[i] > x.n)
			return 0;
	}
	return count[COUNT_TIMES] * (width + 1) + count[COUNT_TYPES] * 6 + count[COUNT_CHARS] +
	       count[COUNT_LEAP] * (width + 4) + count[COUNT_STD] + count[COUNT_UT];
}

bool zone_by_file(struct bytes file, uint64_t wall, int32_t *offset)
{
	uint32_t count[COUNTS], at = 0, type = 0;
	size_t n = read_header(file, 4, count);
	const uint8_t *types;

	file = bytes_skip(file, HEADER + n);
	n = read_header(file, 8, count);
	file = bytes_skip(file, HEADER);
	if (n == 0 || n > file.n)
		return false;
	while (at < count[COUNT_TIMES] && (int64_t)big_endian(file.p + 8 * at, 8) <= (int64_t)wall)
		at++;
	if (at == count[COUNT_TIMES]) {
		struct bytes rule = bytes_skip(file, n + 1);

		if (zone_by_rule(bytes_first(rule, bytes_find(rule, '\n')), wall, offset))
			return true;
	}
	types = file.p + 8 * count[COUNT_TIMES];
	if (at > 0)
		type = types[at - 1];
	if (type >= count[COUNT_TYPES])
		return false;
	types += count[COUNT_TIMES];
	*offset = (int32_t)(uint32_t)big_endian(types + 6 * type, 4);
	return true;
}
