/* SPDX-License-Identifier: ISC */
#include "base/bug.h"
#include "base/timer.h"
#include "tap.h"

#include <setjmp.h>

#define COUNT 50

static jmp_buf bugged;

_Noreturn void gp_stop(const char *what)
{
	(void)what;
	longjmp(bugged, 1);
}

static void basics(void)
{
	struct timer_heap h;
	struct timer *slot[3], t[4] = { { 0 } };
	volatile bool caught = false;

	timer_heap_init(&h, slot, 3);
	ok(timer_next(&h) == TIMER_NEVER, "never without timers");
	ok(timer_expired(&h, UINT64_MAX) == NULL, "and none expires");
	timer_set(&h, &t[0], 30);
	timer_set(&h, &t[1], 10);
	timer_set(&h, &t[2], 20);
	is_num(timer_next(&h), 10, "the earliest");
	timer_set(&h, &t[1], 40);
	is_num(timer_next(&h), 20, "after one was moved");
	ok(timer_expired(&h, 19) == NULL, "not before its time");
	ok(timer_expired(&h, 30) == &t[2], "at its time, the earliest first");
	ok(!timer_is_set(&t[2]) && timer_is_set(&t[0]), "which is not set any more");
	timer_clear(&h, &t[2]);
	ok(timer_expired(&h, 30) == &t[0] && timer_expired(&h, 30) == NULL,
	    "each that is due, no other");
	timer_set(&h, &t[1], TIMER_NEVER);
	ok(!timer_is_set(&t[1]) && timer_next(&h) == TIMER_NEVER, "setting it to never clears it");
	for (int i = 0; i < 3; i++)
		timer_set(&h, &t[i], 1);
	timer_set(&h, &t[0], 2);
	if (setjmp(bugged) == 0)
		timer_set(&h, &t[3], 1);
	else
		caught = true;
	ok(caught, "more timers than room is a bug");
}

static void random_ops(void)
{
	struct timer_heap h;
	struct timer *slot[COUNT], t[COUNT] = { { 0 } };
	uint64_t when[COUNT];
	bool good = true;

	srand(4);
	timer_heap_init(&h, slot, COUNT);
	for (int i = 0; i < COUNT; i++)
		when[i] = TIMER_NEVER;
	for (int i = 0; i < 100000 && good; i++) {
		int k = rand() % COUNT;
		uint64_t first = TIMER_NEVER;

		if (rand() % 3) {
			when[k] = (uint64_t)rand() % 1000;
			timer_set(&h, &t[k], when[k]);
		} else if (rand() % 2) {
			when[k] = TIMER_NEVER;
			timer_clear(&h, &t[k]);
		} else {
			struct timer *got = timer_expired(&h, (uint64_t)rand() % 300);

			if (got)
				when[got - t] = TIMER_NEVER;
		}
		for (int j = 0; j < COUNT; j++) {
			first = when[j] < first ? when[j] : first;
			good = good && timer_is_set(&t[j]) == (when[j] != TIMER_NEVER);
		}
		good = good && timer_next(&h) == first;
	}
	ok(good, "100,000 random operations agree with an array");
}

int main(void)
{
	basics();
	random_ops();
	return done();
}
