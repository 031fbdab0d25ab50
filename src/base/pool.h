/* SPDX-License-Identifier: ISC */
/*
 * N objects of one kind in the owner's storage. Objects not yet used stay untouched memory; the
 * one given back last is taken first.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/bytes.h"

struct pool {
	uint8_t *mem;
	size_t size;    /* of one object */
	uint32_t count;
	uint32_t *next; /* count entries; the free list, apart from the objects */
	uint32_t free, fresh;
	uint32_t used, high;
};

void pool_init(struct pool *p, void *mem, size_t size, uint32_t *next, uint32_t count);

/* One object, contents as its last user left them (zero at first); NULL when all are taken. */
void *pool_take(struct pool *p);

/* obj came from pool_take of the same pool and is not used afterwards. */
void pool_give(struct pool *p, void *obj);

uint32_t pool_index(const struct pool *p, const void *obj);
void *pool_at(const struct pool *p, uint32_t index);

#endif
