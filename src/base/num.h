/* SPDX-License-Identifier: ISC */
/*
 * Text to numbers. Each returns false (and leaves *out alone) if the text is not wholly such a
 * number or is out of range.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include "base/bytes.h"

/* Decimal digits only, at most max. */
bool num_u64(struct bytes x, uint64_t max, uint64_t *out);

/*
 * "90", "30s", "5m", "2h", "4d", also joined, larger units first ("1h30m"): seconds, at most max.
 * Units in either case.
 */
bool num_duration(struct bytes x, uint64_t max, uint64_t *out);

/*
 * "4096", "64k", "25m", "1g": octets, powers of 1,024, at most max.
 */
bool num_size(struct bytes x, uint64_t max, uint64_t *out);

struct num_rate {
	uint32_t count;   /* events … */
	uint32_t seconds; /* … in so many seconds; both > 0 */
};

/* "100/60". */
bool num_rate(struct bytes x, struct num_rate *out);

#endif
