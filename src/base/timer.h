/* SPDX-License-Identifier: ISC */
/*
 * A heap of deadlines. "Now" is an argument; the unit is the caller's (milliseconds throughout
 * Gatepost).
 */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include "base/bytes.h"

#define TIMER_NEVER UINT64_MAX

struct timer {
	uint64_t when;
	uint32_t slot; /* 1 + place in the heap; 0: not set */
};

struct timer_heap {
	struct timer **slot;
	uint32_t cap, n;
};

void timer_heap_init(struct timer_heap *h, struct timer **slot, uint32_t cap);

/*
 * Sets or moves t (all zeros before its first use); TIMER_NEVER clears it. The heap has room for
 * every timer that exists: more is a bug (gp_bug).
 */
void timer_set(struct timer_heap *h, struct timer *t, uint64_t when);
void timer_clear(struct timer_heap *h, struct timer *t);
bool timer_is_set(const struct timer *t);

/* The earliest deadline, or TIMER_NEVER. */
uint64_t timer_next(const struct timer_heap *h);

/*
 * Takes out and returns one timer whose deadline is at or before now, earliest first; NULL when
 * there is none.
 */
struct timer *timer_expired(struct timer_heap *h, uint64_t now);

#endif
