/* SPDX-License-Identifier: ISC */
#include "base/num.h"

/* Cuts a run of digits off the front of *x; false if there is none or it is over max. */
static bool take_digits(struct bytes *x, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	size_t n = 0;

	while (n < x->n && byte_is_digit(x->p[n])) {
		uint64_t digit = (uint64_t)(x->p[n] - '0');

		if (v > max / 10 || digit > max - v * 10)
			return false;
		v = v * 10 + digit;
		n++;
	}
	if (n == 0)
		return false;
	*x = bytes_skip(*x, n);
	*out = v;
	return true;
}

bool num_u64(struct bytes x, uint64_t max, uint64_t *out)
{
	uint64_t v;

	if (!take_digits(&x, max, &v) || x.n > 0)
		return false;
	*out = v;
	return true;
}

static uint64_t duration_unit(uint8_t c)
{
	switch (byte_lower(c)) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	default:
		return 0;
	}
}

bool num_duration(struct bytes x, uint64_t max, uint64_t *out)
{
	uint64_t sum = 0, last = UINT64_MAX;

	if (num_u64(x, max, out))
		return true;
	do {
		uint64_t v, unit;

		if (!take_digits(&x, max, &v) || x.n == 0)
			return false;
		unit = duration_unit(x.p[0]);
		if (unit == 0 || unit >= last || v > (max - sum) / unit)
			return false;
		sum += v * unit;
		last = unit;
		x = bytes_skip(x, 1);
	} while (x.n > 0);
	*out = sum;
	return true;
}

static unsigned size_shift(uint8_t c)
{
	switch (byte_lower(c)) {
	case 'k':
		return 10;
	case 'm':
		return 20;
	case 'g':
		return 30;
	default:
		return 0;
	}
}

bool num_size(struct bytes x, uint64_t max, uint64_t *out)
{
	uint64_t v;
	unsigned shift = 0;

	if (!take_digits(&x, max, &v))
		return false;
	if (x.n > 0) {
		shift = size_shift(x.p[0]);
		if (shift == 0 || v > max >> shift)
			return false;
		x = bytes_skip(x, 1);
	}
	if (x.n > 0)
		return false;
	*out = v << shift;
	return true;
}

bool num_rate(struct bytes x, struct num_rate *out)
{
	uint64_t count, seconds;
	size_t slash = bytes_find(x, '/');

	if (!num_u64(bytes_first(x, slash), UINT32_MAX, &count) || count == 0)
		return false;
	if (!num_u64(bytes_skip(x, slash + 1), UINT32_MAX, &seconds) || seconds == 0)
		return false;
	out->count = (uint32_t)count;
	out->seconds = (uint32_t)seconds;
	return true;
}
