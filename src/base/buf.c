/* SPDX-License-Identifier: ISC */
#include "base/buf.h"

#include "base/bug.h"

#include <string.h>

void buf_init(struct buf *b, void *mem, size_t cap)
{
	if (cap == 0 || cap > UINT32_MAX)
		gp_bug("buf_init: capacity");
	b->mem = mem;
	b->cap = (uint32_t)cap;
	b->r = 0;
	b->w = 0;
	b->high = 0;
}

void buf_move(struct buf *b, void *mem, size_t cap)
{
	uint32_t used = b->w - b->r;

	if (cap < used || cap == 0 || cap > UINT32_MAX)
		gp_bug("buf_move: capacity");
	if (used > 0)
		memmove(mem, b->mem + b->r, used);
	b->mem = mem;
	b->cap = (uint32_t)cap;
	b->r = 0;
	b->w = used;
}

size_t buf_used(const struct buf *b)
{
	return b->w - b->r;
}

size_t buf_room(const struct buf *b)
{
	return b->cap - (b->w - b->r);
}

struct bytes buf_peek(const struct buf *b)
{
	return (struct bytes){ b->mem + b->r, b->w - b->r };
}

void buf_drop(struct buf *b, size_t n)
{
	if (n > buf_used(b))
		gp_bug("buf_drop: more than held");
	b->r += (uint32_t)n;
	if (b->r == b->w) {
		b->r = 0;
		b->w = 0;
	}
}

static void compact(struct buf *b)
{
	if (b->r == 0)
		return;
	memmove(b->mem, b->mem + b->r, b->w - b->r);
	b->w -= b->r;
	b->r = 0;
}

bool buf_put(struct buf *b, struct bytes x)
{
	if (x.n > buf_room(b))
		return false;
	if (x.n == 0)
		return true;
	if (x.n > b->cap - b->w)
		compact(b);
	memcpy(b->mem + b->w, x.p, x.n);
	buf_added(b, x.n);
	return true;
}

uint8_t *buf_space(struct buf *b, size_t *n)
{
	compact(b);
	*n = b->cap - b->w;
	return b->mem + b->w;
}

void buf_added(struct buf *b, size_t n)
{
	if (n > b->cap - b->w)
		gp_bug("buf_added: more than there was room for");
	b->w += (uint32_t)n;
	if (b->w - b->r > b->high)
		b->high = b->w - b->r;
}

void buf_clear(struct buf *b)
{
	b->r = 0;
	b->w = 0;
}

void buf_wipe(struct buf *b)
{
	volatile uint8_t *p = b->mem;

	for (uint32_t i = 0; i < b->cap; i++)
		if (i < b->r || i >= b->w)
			p[i] = 0;
}
