/* SPDX-License-Identifier: ISC */
/*
 * Memory of the configuration. What stays grows from the front; files being read and lists being
 * collected are taken from the end and given back. Equal strings and lists are kept once.
 */
#ifndef CONF_ARENA_H
#define CONF_ARENA_H

#include "base/bytes.h"

#define ARENA_BUCKETS 64

struct arena_item;

struct arena {
	uint8_t *mem;
	size_t low;  /* octets in use at the front */
	size_t high; /* begin of what is in use at the end */
	bool full;   /* something did not fit */
	struct arena_item *bucket[ARENA_BUCKETS];
};

/* mem is aligned for uint64_t, as are all pieces of it: no type here wants more. */
void arena_init(struct arena *a, void *mem, size_t n);

/* Zeroed memory; NULL when there is no room. */
void *arena_take(struct arena *a, size_t n);

/* The one copy of x in the arena, aligned, with a NUL behind it; NULL when there is no room. */
const void *arena_intern(struct arena *a, struct bytes x);

/* The same as a string; n = 0 for an empty x and when there is no room. */
struct bytes arena_string(struct arena *a, struct bytes x);

/* Memory at the end, given back by setting a->high to what it was before. */
void *arena_temp(struct arena *a, size_t n);

#endif
