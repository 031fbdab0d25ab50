/* SPDX-License-Identifier: ISC */
#include "base/timer.h"

#include "base/bug.h"

void timer_heap_init(struct timer_heap *h, struct timer **slot, uint32_t cap)
{
	h->slot = slot;
	h->cap = cap;
	h->n = 0;
}

static void place(struct timer_heap *h, uint32_t i, struct timer *t)
{
	h->slot[i] = t;
	t->slot = i + 1;
}

/* Puts t at place i or, while an ancestor is later, nearer to the root. */
static void rise(struct timer_heap *h, uint32_t i, struct timer *t)
{
	while (i > 0) {
		uint32_t up = (i - 1) / 2;

		if (h->slot[up]->when <= t->when)
			break;
		place(h, i, h->slot[up]);
		i = up;
	}
	place(h, i, t);
}

/* Puts t at place i or, while a child is earlier, further from the root. */
static void sink(struct timer_heap *h, uint32_t i, struct timer *t)
{
	while (i < h->n / 2) {
		uint32_t down = 2 * i + 1;

		if (down + 1 < h->n && h->slot[down + 1]->when < h->slot[down]->when)
			down++;
		if (t->when <= h->slot[down]->when)
			break;
		place(h, i, h->slot[down]);
		i = down;
	}
	place(h, i, t);
}

static void settle(struct timer_heap *h, uint32_t i, struct timer *t)
{
	if (i > 0 && h->slot[(i - 1) / 2]->when > t->when)
		rise(h, i, t);
	else
		sink(h, i, t);
}

void timer_set(struct timer_heap *h, struct timer *t, uint64_t when)
{
	if (when == TIMER_NEVER) {
		timer_clear(h, t);
		return;
	}
	t->when = when;
	if (t->slot != 0) {
		settle(h, t->slot - 1, t);
		return;
	}
	if (h->n == h->cap)
		gp_bug("timer_set: the heap is full");
	rise(h, h->n++, t);
}

void timer_clear(struct timer_heap *h, struct timer *t)
{
	uint32_t i = t->slot;
	struct timer *last;

	if (i == 0)
		return;
	i--;
	if (i >= h->n || h->slot[i] != t)
		gp_bug("timer_clear: not of this heap");
	t->slot = 0;
	last = h->slot[--h->n];
	if (last != t)
		settle(h, i, last);
}

bool timer_is_set(const struct timer *t)
{
	return t->slot != 0;
}

uint64_t timer_next(const struct timer_heap *h)
{
	return h->n > 0 ? h->slot[0]->when : TIMER_NEVER;
}

struct timer *timer_expired(struct timer_heap *h, uint64_t now)
{
	struct timer *t;

	if (h->n == 0 || h->slot[0]->when > now)
		return NULL;
	t = h->slot[0];
	timer_clear(h, t);
	return t;
}
