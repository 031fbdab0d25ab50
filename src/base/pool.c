/* SPDX-License-Identifier: ISC */
#include "base/pool.h"

#include "base/bug.h"

#define POOL_END   UINT32_MAX       /* in next[]: the free list ends here */
#define POOL_TAKEN (UINT32_MAX - 1) /* in next[]: the object is in use */

void pool_init(struct pool *p, void *mem, size_t size, uint32_t *next, uint32_t count)
{
	if (size == 0 || count >= POOL_TAKEN)
		gp_bug("pool_init: size or count");
	p->mem = mem;
	p->size = size;
	p->count = count;
	p->next = next;
	p->free = POOL_END;
	p->fresh = 0;
	p->used = 0;
	p->high = 0;
}

void *pool_take(struct pool *p)
{
	uint32_t i = p->free;

	if (i != POOL_END)
		p->free = p->next[i];
	else if (p->fresh < p->count)
		i = p->fresh++;
	else
		return NULL;
	p->next[i] = POOL_TAKEN;
	p->used++;
	if (p->used > p->high)
		p->high = p->used;
	return p->mem + (size_t)i * p->size;
}

void pool_give(struct pool *p, void *obj)
{
	uint32_t i = pool_index(p, obj);

	if (i >= p->fresh || p->next[i] != POOL_TAKEN)
		gp_bug("pool_give: not in use");
	p->next[i] = p->free;
	p->free = i;
	p->used--;
}

uint32_t pool_index(const struct pool *p, const void *obj)
{
	size_t off = (size_t)((uintptr_t)obj - (uintptr_t)p->mem);

	if ((uintptr_t)obj < (uintptr_t)p->mem || off % p->size != 0 || off / p->size >= p->count)
		gp_bug("pool_index: not of this pool");
	return (uint32_t)(off / p->size);
}

void *pool_at(const struct pool *p, uint32_t index)
{
	if (index >= p->count)
		gp_bug("pool_at: no such object");
	return p->mem + (size_t)index * p->size;
}
