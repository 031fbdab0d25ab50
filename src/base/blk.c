/* SPDX-License-Identifier: ISC */
#include "base/blk.h"

#include "base/bug.h"

#include <string.h>

void blk_arena_init(struct blk_arena *a, struct blk *mem, size_t count)
{
	if (count >= BLK_NONE)
		gp_bug("blk_arena_init: too many blocks");
	a->mem = mem;
	a->count = (uint32_t)count;
	a->fresh = 0;
	a->free = BLK_NONE;
	a->used = 0;
	a->high = 0;
}

void blk_chain_init(struct blk_chain *c)
{
	c->head = BLK_NONE;
	c->tail = BLK_NONE;
	c->len = 0;
}

static uint32_t blocks_of(uint32_t len)
{
	return len / BLK_DATA + (len % BLK_DATA != 0);
}

static uint32_t take(struct blk_arena *a)
{
	uint32_t i = a->free;

	if (i != BLK_NONE) {
		a->free = a->mem[i].next;
	} else {
		if (a->fresh == a->count)
			gp_bug("blk: a free block was counted and is not there");
		i = a->fresh++;
	}
	a->mem[i].next = BLK_NONE;
	a->used++;
	if (a->used > a->high)
		a->high = a->used;
	return i;
}

size_t blk_room(const struct blk_arena *a, const struct blk_chain *c)
{
	uint64_t room = (uint64_t)(a->count - a->used) * BLK_DATA;

	room += (uint64_t)blocks_of(c->len) * BLK_DATA - c->len;
	return (size_t)(room < UINT32_MAX - c->len ? room : UINT32_MAX - c->len);
}

bool blk_append(struct blk_arena *a, struct blk_chain *c, struct bytes x)
{
	if (x.n > blk_room(a, c))
		return false;
	while (x.n > 0) {
		uint32_t at = c->len % BLK_DATA;
		uint32_t n = BLK_DATA - at;

		if (at == 0) {
			uint32_t i = take(a);

			if (c->tail == BLK_NONE)
				c->head = i;
			else
				a->mem[c->tail].next = i;
			c->tail = i;
		}
		if (n > x.n)
			n = (uint32_t)x.n;
		memcpy(a->mem[c->tail].data + at, x.p, n);
		c->len += n;
		x = bytes_skip(x, n);
	}
	return true;
}

void blk_free(struct blk_arena *a, struct blk_chain *c)
{
	if (c->head != BLK_NONE) {
		a->mem[c->tail].next = a->free;
		a->free = c->head;
		a->used -= blocks_of(c->len);
	}
	blk_chain_init(c);
}

/*
 * A cursor names the block of the octet before it, so that it stays right when the chain grows at
 * a block's end.
 */
void blk_cursor_init(const struct blk_chain *c, struct blk_cursor *cur)
{
	(void)c;
	cur->block = BLK_NONE;
	cur->off = 0;
}

/* The block of the octet at cur, which is before the end. */
static uint32_t block_at(
    const struct blk_arena *a, const struct blk_chain *c, const struct blk_cursor *cur)
{
	if (cur->off == 0)
		return c->head;
	return cur->off % BLK_DATA == 0 ? a->mem[cur->block].next : cur->block;
}

/* Moves on by at most n octets, copying them to out where that is not NULL. */
static size_t advance(const struct blk_arena *a, const struct blk_chain *c, struct blk_cursor *cur,
    uint8_t *out, size_t n)
{
	size_t done = 0;

	while (done < n && cur->off < c->len) {
		uint32_t at = cur->off % BLK_DATA;
		size_t part = BLK_DATA - at;

		if (part > c->len - cur->off)
			part = c->len - cur->off;
		if (part > n - done)
			part = n - done;
		cur->block = block_at(a, c, cur);
		if (out)
			memcpy(out + done, a->mem[cur->block].data + at, part);
		cur->off += (uint32_t)part;
		done += part;
	}
	return done;
}

size_t blk_read(const struct blk_arena *a, const struct blk_chain *c, struct blk_cursor *cur,
    void *out, size_t n)
{
	return advance(a, c, cur, out, n);
}

bool blk_skip(
    const struct blk_arena *a, const struct blk_chain *c, struct blk_cursor *cur, size_t n)
{
	return advance(a, c, cur, NULL, n) == n;
}

bool blk_poke(
    struct blk_arena *a, const struct blk_chain *c, const struct blk_cursor *cur, uint8_t value)
{
	if (cur->off >= c->len)
		return false;
	a->mem[block_at(a, c, cur)].data[cur->off % BLK_DATA] = value;
	return true;
}
