/* SPDX-License-Identifier: ISC */
#include "base/bug.h"
#include "base/pool.h"
#include "tap.h"

#include <setjmp.h>

#define COUNT 5

struct thing {
	int value, more[3];
};

static struct thing mem[COUNT];
static uint32_t next[COUNT];
static jmp_buf bugged;

_Noreturn void gp_stop(const char *what)
{
	(void)what;
	longjmp(bugged, 1);
}

static void basics(void)
{
	struct pool p;
	struct thing *t[COUNT];

	pool_init(&p, mem, sizeof(mem[0]), next, COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		t[i] = pool_take(&p);
	ok(pool_take(&p) == NULL, "NULL when all are taken");
	is_num(p.used, COUNT, "used");
	ok(t[0] == &mem[0] && t[4] == &mem[4], "objects lie in the owner's storage");
	is_num(pool_index(&p, t[3]), 3, "index of an object");
	ok(pool_at(&p, 3) == t[3], "and back");
	pool_give(&p, t[1]);
	pool_give(&p, t[3]);
	ok(pool_take(&p) == t[3] && pool_take(&p) == t[1], "last given, first taken");
	is_num(p.high, COUNT, "the most that were used");
}

static bool is_bug(struct pool *p, void *obj)
{
	if (setjmp(bugged))
		return true;
	pool_give(p, obj);
	return false;
}

static void bugs(void)
{
	struct pool p;
	struct thing *t, other;

	memset(mem, 0, sizeof(mem));
	pool_init(&p, mem, sizeof(mem[0]), next, COUNT);
	t = pool_take(&p);
	ok(is_bug(&p, &other), "giving what is not of the pool is a bug");
	ok(is_bug(&p, &mem[1]), "so is what was never taken");
	ok(is_bug(&p, (char *)t + 4), "and the middle of an object");
	ok(is_bug(&p, &mem[COUNT]), "and the place behind the last");
	ok(!is_bug(&p, t), "what was taken is none");
	ok(is_bug(&p, t), "but giving it twice is");
	is_num(p.used, 0, "none of it counted");
}

static void lazy(void)
{
	struct pool p;

	pool_init(&p, mem, sizeof(mem[0]), next, COUNT);
	memset(mem, 0xee, sizeof(mem));
	for (int i = 0; i < 100; i++) {
		struct thing *t = pool_take(&p);

		t->value = i;
		pool_give(&p, t);
	}
	ok(mem[0].value == 99 && mem[1].value != 99, "objects never needed stay untouched");
}

static void random_ops(void)
{
	struct pool p;
	struct thing *held[COUNT];
	uint32_t n = 0;
	bool good = true;

	srand(3);
	pool_init(&p, mem, sizeof(mem[0]), next, COUNT);
	for (int i = 0; i < 100000 && good; i++) {
		if (rand() % 2) {
			struct thing *t = pool_take(&p);

			good = (t == NULL) == (n == COUNT);
			for (uint32_t k = 0; k < n; k++)
				good = good && held[k] != t;
			if (t)
				held[n++] = t;
		} else if (n > 0) {
			uint32_t k = (uint32_t)rand() % n;

			pool_give(&p, held[k]);
			held[k] = held[--n];
		}
		good = good && p.used == n;
	}
	ok(good, "100,000 random takes and gives never share an object");
}

int main(void)
{
	basics();
	bugs();
	lazy();
	random_ops();
	return done();
}
