/* SPDX-License-Identifier: ISC */
#include "conf/arena.h"

#include <stdalign.h>
#include <string.h>

#define ALIGN alignof(uint64_t)

struct arena_item {
	struct arena_item *next;
	uint32_t hash;
	uint32_t n;
	alignas(uint64_t) uint8_t data[];
};

void arena_init(struct arena *a, void *mem, size_t n)
{
	memset(a, 0, sizeof(*a));
	a->mem = mem;
	a->high = n - n % ALIGN;
}

static size_t rounded(size_t n)
{
	return (n + ALIGN - 1) / ALIGN * ALIGN;
}

void *arena_take(struct arena *a, size_t n)
{
	void *p = a->mem + a->low;

	if (n > a->high || rounded(n) > a->high - a->low) {
		a->full = true;
		return NULL;
	}
	a->low += rounded(n);
	memset(p, 0, rounded(n));
	return p;
}

static uint32_t hash_of(struct bytes x)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < x.n; i++)
		h = (h ^ x.p[i]) * 16777619u;
	return h;
}

const void *arena_intern(struct arena *a, struct bytes x)
{
	uint32_t hash = hash_of(x);
	struct arena_item **bucket = &a->bucket[hash % ARENA_BUCKETS], *item;

	for (item = *bucket; item; item = item->next) {
		if (item->hash == hash && item->n == x.n && memcmp(item->data, x.p, x.n) == 0)
			return item->data;
	}
	item = arena_take(a, sizeof(*item) + x.n + 1);
	if (!item)
		return NULL;
	item->next = *bucket;
	item->hash = hash;
	item->n = (uint32_t)x.n;
	memcpy(item->data, x.p, x.n);
	*bucket = item;
	return item->data;
}

struct bytes arena_string(struct arena *a, struct bytes x)
{
	const void *p = x.n > 0 ? arena_intern(a, x) : NULL;

	return p ? (struct bytes){ p, x.n } : (struct bytes){ 0 };
}

void *arena_temp(struct arena *a, size_t n)
{
	if (n > a->high || rounded(n) > a->high - a->low) {
		a->full = true;
		return NULL;
	}
	a->high -= rounded(n);
	return a->mem + a->high;
}
