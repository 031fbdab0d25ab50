/* SPDX-License-Identifier: ISC */
/*
 * Blocks of whole units. A block begins with one unit that holds its size, whether it and the block
 * before it are free, and its owner. A free block holds its links in the second unit and its size
 * in the last, so that the block behind it finds its beginning. Free blocks hang in lists by size,
 * four for each power of two.
 */
#include "io/tls_arena.h"

#include "base/bug.h"

#include <string.h>

/* Octets of the record buffers of a session; all that is larger than RECORD_LEAST is one. */
#define RECORD_IN    17408u
#define RECORD_OUT   5120u
#define RECORD_LEAST 4096u

struct unit {
	uint32_t a, b;
};

#define UNIT ((uint32_t)sizeof(struct unit))
#define UNITS                                                                                    \
	((CONFIG_TLS_SESSIONS * TLS_ARENA_STANDING + CONFIG_TLS_HANDSHAKES * TLS_ARENA_SHAKING + \
	     CONFIG_LISTENERS * TLS_ARENA_PAIR + CONFIG_GATEWAYS * TLS_ARENA_TICKET +            \
	     TLS_ARENA_FIXED) /                                                                  \
	    UNIT)
#define SMALLEST 3u /* units */

enum {
	FREE = 1u << 31,        /* in a: this block is free … */
	BEFORE_FREE = 1u << 30, /* … and the one before it */
	SIZE = BEFORE_FREE - 1,
	LISTS = 30 * 4,
};

_Static_assert(UNITS < SIZE, "sizes fit their bits");

static struct {
	struct unit heap[UNITS + 1]; /* 0 is no block: a link to it is none. One behind ends all. */
	uint32_t list[LISTS];
	uint32_t some[(LISTS + 31) / 32]; /* a bit for each list that is not empty */
	bool begun;
	unsigned payer;
	uint32_t limit;
	bool records;
	size_t now, most;
	struct tls_arena_use use[TLS_ARENA_OWNERS];
} arena;

static struct {
	uint64_t in[RECORD_IN / 8], out[RECORD_OUT / 8];
	uint32_t in_size, out_size; /* 0: not taken */
} record[CONFIG_TLS_SESSIONS];

static unsigned list_of(uint32_t size)
{
	unsigned log = 31u - (unsigned)__builtin_clz(size);

	return log < 2 ? size : (log - 1) * 4 + ((size >> (log - 2)) & 3);
}

static uint32_t size_at(uint32_t i)
{
	return arena.heap[i].a & SIZE;
}

static void list_put(uint32_t i, uint32_t size)
{
	unsigned l = list_of(size);
	struct unit *links = &arena.heap[i + 1];

	arena.heap[i].a = size | FREE;
	arena.heap[i + size - 1].a = size;
	*links = (struct unit){ arena.list[l], 0 };
	if (links->a)
		arena.heap[links->a + 1].b = i;
	arena.list[l] = i;
	arena.some[l / 32] |= 1u << l % 32;
	arena.heap[i + size].a |= BEFORE_FREE;
}

static void list_take(uint32_t i)
{
	unsigned l = list_of(size_at(i));
	struct unit links = arena.heap[i + 1];

	if (links.a)
		arena.heap[links.a + 1].b = links.b;
	if (links.b)
		arena.heap[links.b + 1].a = links.a;
	else
		arena.list[l] = links.a;
	if (!arena.list[l])
		arena.some[l / 32] &= ~(1u << l % 32);
	arena.heap[i + size_at(i)].a &= ~(uint32_t)BEFORE_FREE;
}

static void begin(void)
{
	arena.begun = true;
	arena.heap[UNITS].a = SMALLEST; /* never free */
	list_put(1, (uint32_t)UNITS - 1);
}

/* The first list from l on that is not empty; LISTS if there is none. */
static unsigned list_from(unsigned l)
{
	for (; l < LISTS; l = (l / 32 + 1) * 32) {
		uint32_t bits = arena.some[l / 32] >> l % 32;

		if (bits)
			return l + (unsigned)__builtin_ctz(bits);
	}
	return LISTS;
}

/* A free block of at least `size` units, or 0: one of its own list that fits, else a larger one. */
static uint32_t find(uint32_t size)
{
	unsigned l = list_of(size);

	for (uint32_t i = arena.list[l]; i; i = arena.heap[i + 1].a) {
		if (size_at(i) >= size)
			return i;
	}
	l = list_from(l + 1);
	return l < LISTS ? arena.list[l] : 0;
}

static uint32_t take(uint32_t size)
{
	uint32_t i, all;

	if (!arena.begun)
		begin();
	i = find(size);
	if (!i)
		return 0;
	all = size_at(i);
	list_take(i);
	if (all - size >= SMALLEST) {
		arena.heap[i].a = size;
		arena.heap[i + size].a = 0;
		list_put(i + size, all - size);
	} else {
		arena.heap[i].a = all;
	}
	return i;
}

static void give(uint32_t i)
{
	uint32_t size = size_at(i), next = i + size;

	if (arena.heap[i].a & BEFORE_FREE) {
		uint32_t before = arena.heap[i - 1].a;

		i -= before;
		size += before;
		list_take(i);
	}
	if (arena.heap[next].a & FREE) {
		size += size_at(next);
		list_take(next);
	}
	list_put(i, size);
}

/* ---- record buffers ---- */

static void *record_take(size_t n)
{
	unsigned i = arena.payer;

	if (!arena.records || i >= CONFIG_TLS_SESSIONS || n <= RECORD_LEAST)
		return NULL;
	if (n <= RECORD_OUT && record[i].out_size == 0) {
		record[i].out_size = (uint32_t)n;
		return record[i].out;
	}
	if (n > RECORD_OUT && n <= RECORD_IN && record[i].in_size == 0) {
		record[i].in_size = (uint32_t)n;
		return record[i].in;
	}
	return NULL;
}

static void record_wipe(unsigned owner, void *p, uint32_t *size)
{
	memset(p, 0, *size);
	arena.use[owner].now -= *size;
	arena.now -= *size;
	*size = 0;
}

/* Given back wiped, so that they are zero when taken again. False: p is none. */
static bool record_give(void *p)
{
	uintptr_t at = (uintptr_t)p - (uintptr_t)record;
	unsigned i = (unsigned)(at / sizeof(record[0]));

	if (at >= sizeof(record))
		return false;
	if (p == record[i].in)
		record_wipe(i, p, &record[i].in_size);
	else
		record_wipe(i, p, &record[i].out_size);
	return true;
}

void tls_arena_records(bool on)
{
	arena.records = on;
}

/* ---- for the library ---- */

/* Octets of the heap that an owner holds. */
static uint32_t held(unsigned owner)
{
	uint32_t n = arena.use[owner].now;

	if (owner < CONFIG_TLS_SESSIONS)
		n -= record[owner].in_size + record[owner].out_size;
	return n;
}

static void count(unsigned owner, size_t n)
{
	struct tls_arena_use *u = &arena.use[owner];

	u->now += (uint32_t)n;
	if (u->now > u->high)
		u->high = u->now;
	arena.now += n;
	if (arena.now > arena.most)
		arena.most = arena.now;
}

void *tls_arena_calloc(size_t many, size_t size)
{
	size_t n, units;
	uint32_t i = 0;
	void *p;

	if (__builtin_mul_overflow(many, size, &n))
		return NULL;
	p = record_take(n);
	if (p) {
		count(arena.payer, n);
		return p;
	}
	units = n > UNITS * UNIT ? UNITS : (n + UNIT - 1) / UNIT + 1;
	if (units < SMALLEST)
		units = SMALLEST;
	if (held(arena.payer) + units * UNIT <= arena.limit)
		i = take((uint32_t)units);
	if (!i) {
		arena.use[arena.payer].failed = true;
		return NULL;
	}
	arena.heap[i].b = arena.payer;
	count(arena.payer, size_at(i) * UNIT);
	memset(&arena.heap[i + 1], 0, n);
	return &arena.heap[i + 1];
}

void tls_arena_free(void *p)
{
	uint32_t i, n;

	if (!p || record_give(p))
		return;
	i = (uint32_t)((struct unit *)p - arena.heap) - 1;
	n = size_at(i) * UNIT;
	if ((struct unit *)p <= arena.heap || i >= UNITS || (arena.heap[i].a & FREE))
		gp_bug("TLS gave back what it had not taken");
	arena.use[arena.heap[i].b].now -= n;
	arena.now -= n;
	give(i);
}

/* ---- accounts ---- */

void tls_arena_charge(unsigned owner, uint32_t limit)
{
	arena.payer = owner;
	arena.limit = limit;
}

void tls_arena_begin(unsigned owner)
{
	arena.use[owner].high = arena.use[owner].now;
	arena.use[owner].failed = false;
}

const struct tls_arena_use *tls_arena_use(unsigned owner)
{
	return &arena.use[owner];
}

size_t tls_arena_now(void)
{
	return arena.now;
}

size_t tls_arena_most(void)
{
	return arena.most;
}

size_t tls_arena_largest(void)
{
	for (unsigned l = LISTS; l-- > 0;) {
		size_t best = 0;

		for (uint32_t i = arena.list[l]; i; i = arena.heap[i + 1].a) {
			if (size_at(i) > best)
				best = size_at(i);
		}
		if (best > 0)
			return (best - 1) * UNIT;
	}
	return arena.begun ? 0 : (UNITS - 2) * UNIT;
}
