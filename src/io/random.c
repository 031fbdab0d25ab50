/* SPDX-License-Identifier: ISC */
#include "io/random.h"

#include "base/bug.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define RANDOM_BATCH 256u /* up to this many, getrandom is never cut short */

static uint8_t batch[RANDOM_BATCH];
static size_t left; /* octets not given out yet, at the end of batch */

static void random_refill(void)
{
	ssize_t n;

	do {
		n = getrandom(batch, sizeof(batch), 0);
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(batch))
		gp_bug("the kernel has no random numbers");
	left = sizeof(batch);
}

void random_bytes(void *out, size_t n)
{
	uint8_t *p = out;

	while (n > 0) {
		size_t take;
		uint8_t *from;

		if (left == 0)
			random_refill();
		take = n < left ? n : left;
		from = batch + sizeof(batch) - left;
		memcpy(p, from, take);
		memset(from, 0, take); /* what was given out is in no later memory dump */
		left -= take;
		p += take;
		n -= take;
	}
}

uint32_t random_below(uint32_t bound)
{
	uint32_t r, skip = (UINT32_MAX - bound + 1) % bound; /* 2^32 mod bound */

	do {
		random_bytes(&r, sizeof(r));
	} while (r < skip);
	return r % bound;
}

void random_forget(void)
{
	left = 0;
}
