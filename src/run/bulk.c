/* SPDX-License-Identifier: ISC */
#include "run/bulk.h"

#include "base/limits.h"
#include "base/pool.h"

#define BULK_OCTETS (CONFIG_BULK_BUFFER_KIB * 1024u)

static uint8_t buffers[CONFIG_BULK_BUFFERS][BULK_OCTETS];
static uint32_t links[CONFIG_BULK_BUFFERS];
static struct pool pool;

_Static_assert(BULK_OCTETS > LIMIT_IN, "a larger buffer must be larger");
_Static_assert(BULK_OCTETS > LIMIT_GATEWAY_OUT, "towards the gateway too");

void bulk_init(void)
{
	pool_init(&pool, buffers, BULK_OCTETS, links, CONFIG_BULK_BUFFERS);
}

void bulk_grow(struct buf *b, const uint8_t *small)
{
	uint8_t *big;

	if (b->mem != small)
		return;
	big = pool_take(&pool);
	if (big)
		buf_move(b, big, BULK_OCTETS);
}

bool bulk_shrink(struct buf *b, uint8_t *small, size_t n)
{
	uint8_t *big = b->mem;

	if (big == small)
		return true;
	if (buf_used(b) > n)
		return false;
	buf_move(b, small, n);
	pool_give(&pool, big);
	return true;
}

void bulk_drop(struct buf *b, uint8_t *small, size_t n)
{
	buf_clear(b);
	(void)bulk_shrink(b, small, n);
}
